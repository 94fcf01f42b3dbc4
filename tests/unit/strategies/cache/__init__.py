"""The cache, part by part."""
