"""The rate limit as callers meet it."""
