"""The client beside tools that patch httpx, before our import and after it."""
