"""The rate limit: what is sent is spaced, and a server that asks for a break gets it."""
