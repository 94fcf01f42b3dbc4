"""Middleware around calls and attempts, and plugins."""
