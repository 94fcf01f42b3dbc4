"""What is sent, again if need be, and what is read of an answer."""
