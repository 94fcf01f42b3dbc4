"""The health of one endpoint: what it failed at, and whether it is ejected."""
