"""Tests of `client` and `server`, named after the behaviour they hold."""
