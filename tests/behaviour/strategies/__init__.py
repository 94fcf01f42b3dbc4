"""Bulkhead and circuit, and the retries."""
