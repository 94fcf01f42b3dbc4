"""The servers of a test's own, started and stopped at will."""
