"""Cookies, redirects and bodies."""
