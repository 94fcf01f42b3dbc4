"""The two worlds that the engine runs in: asyncio (with trio), and blocking threads."""
