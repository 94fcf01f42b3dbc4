"""The clients that users hold, by their arguments."""
