"""The wire proxy: it stands between a client and any TCP service and breaks the wire to order.

Nothing is imported here. Tests start at `server.testing.WireProxy`, the command line at
`python -m server.main proxy`.
"""
