"""Bodies: of requests, so that they can be sent again; of answers, bounded while they are read."""
