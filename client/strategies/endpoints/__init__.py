"""Several endpoints of one service: which there are, which are well, which a call goes to."""
