"""HTTP/2 without a server: heads, state and the sharing of a connection."""
