"""What HTTP means here: families, headers, cookies, redirects, what an answer amounts to."""
