"""One operation at the cache: what it asks for, what it gets, and what it leaves there."""
