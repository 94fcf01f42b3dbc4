"""The parts of the bulkhead by themselves."""
