"""Work beside a caller, and its signals."""
