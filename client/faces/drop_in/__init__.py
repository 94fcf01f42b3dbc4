"""Clients, transports and functions that are httpx's own, protected."""
