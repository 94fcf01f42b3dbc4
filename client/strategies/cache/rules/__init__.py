"""What HTTP says about caching (RFC 9111, 9110 and 5861), as functions of what they are given.

No storage, no clock and no I/O here. Header fields come as `Fields`, an answer as an `Entry`, and
times as seconds since the epoch.
"""
