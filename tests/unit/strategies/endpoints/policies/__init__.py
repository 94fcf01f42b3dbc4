"""The policies, one at a time."""
