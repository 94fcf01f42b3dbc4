"""The clients: how they are built, closed, named and called."""
