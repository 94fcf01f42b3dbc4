"""Hedging: what it remembers, and what it may cost."""
