"""The facade: its arguments, those of a call, and request ids."""
