"""What may be a middleware."""
