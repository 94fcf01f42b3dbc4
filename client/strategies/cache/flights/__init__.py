"""Requests that go out for many callers, or for none who waits."""
