"""Code of the caller's around calls and around attempts."""
