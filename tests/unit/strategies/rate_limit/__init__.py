"""The pure part of the rate limit: time is a number here, and who waits is a name in a list."""
