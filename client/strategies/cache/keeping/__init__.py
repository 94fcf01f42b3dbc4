"""Keeps answers in a storage, finds them there, and forgets them."""
