"""What the engine passes on: the operation, its deadline, its counters."""
