"""httpcore's pools and connections, held to deadlines and cleared up after failures."""
