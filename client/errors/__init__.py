"""What an error may show and carry: whose it is, without secrets, in texts and in pickles."""
