"""Tests of the failure-injection server."""
