"""What is counted and measured of every operation: the one source that all views read."""
