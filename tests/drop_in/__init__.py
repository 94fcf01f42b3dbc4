"""The drop-in clients, transports and functions: what they promise to users of httpx."""
