"""What the clients promise, each told once and run on both twins, on virtual time."""
