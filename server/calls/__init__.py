"""One call to the server: read, counted, failed or served, held back, answered."""
