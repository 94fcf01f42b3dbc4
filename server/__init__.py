"""The failure-injection server: an HTTP service that fails exactly as it is told to.

Nothing is imported here, so `import server` costs nothing and needs no extra. Tests start at
`server.testing.FailureServer`, the command line at `python -m server.main`.
"""
