"""What HTTP means here: families, headers, statuses and `Retry-After`."""
