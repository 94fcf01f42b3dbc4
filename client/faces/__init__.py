"""The clients that users hold: thin, and without a policy of their own."""
