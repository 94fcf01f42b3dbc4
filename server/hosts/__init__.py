"""What a server runs in: a thread with an event loop, or a process."""
