"""The pure part of several endpoints, and what is asked of a caller's functions."""
