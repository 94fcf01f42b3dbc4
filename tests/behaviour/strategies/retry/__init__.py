"""Retries: which are made, which are refused, and when."""
