"""The cache, in both worlds."""
