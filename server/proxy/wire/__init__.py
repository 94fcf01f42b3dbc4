"""Sockets and what passes over them: nothing here knows of faults."""
