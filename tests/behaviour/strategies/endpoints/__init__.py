"""Calls that are spread over several endpoints."""
