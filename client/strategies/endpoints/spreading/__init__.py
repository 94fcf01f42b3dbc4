"""Which endpoint an attempt goes to, what it has there, and what it tells of it."""
