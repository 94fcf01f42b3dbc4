"""Requests that go out for several callers, or for none."""
