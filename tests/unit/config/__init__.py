"""The settings: their defaults, what they accept, and where they come from."""
