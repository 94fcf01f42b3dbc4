"""Tests of the demo: what it shows, what it promises, and that it fails where it must."""
