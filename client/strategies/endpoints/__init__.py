"""Several endpoints of one service: which of them an attempt goes to, and which are left alone."""
