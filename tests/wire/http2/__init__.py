"""HTTP/2, held to the promises that HTTP/1.1 is held to."""
