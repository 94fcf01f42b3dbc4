"""The strategies, one at a time."""
