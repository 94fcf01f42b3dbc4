"""Retries: whether another attempt follows, when, and who pays for it."""
