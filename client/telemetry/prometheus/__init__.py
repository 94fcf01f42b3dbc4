"""Metrics for Prometheus, over its client library: of one process, and of several."""
