"""Answers kept, and given again: a shared cache after RFC 9111, 9110 and 5861."""
