"""The bulkhead: slots for operations, the queue for them, and a limit that may find itself."""
