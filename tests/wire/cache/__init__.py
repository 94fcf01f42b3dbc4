"""The cache over real sockets, by cases that say what an origin answers and what comes of it."""
