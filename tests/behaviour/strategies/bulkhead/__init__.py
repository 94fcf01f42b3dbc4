"""Slots, the queue for them, and a limit that finds itself."""
