"""Where a server listens, by which names it may be called, and by whom."""
