"""The live page: what it answers, whom it refuses, and how it looks in a browser."""
