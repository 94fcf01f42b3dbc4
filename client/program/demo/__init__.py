"""The demo: a story in six chapters, played by a real client against a real failing server.

What it shows is what the library's events and the callers' outcomes say, and what it claims is
checked against the server's ledger. Nothing here is imported by the library.
"""
