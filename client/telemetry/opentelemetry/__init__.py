"""Traces by OpenTelemetry's API; the extra `opentelemetry` brings it."""
