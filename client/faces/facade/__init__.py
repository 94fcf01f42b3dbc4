"""`ResilientClient` and its blocking twin."""
