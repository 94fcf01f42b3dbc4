"""The circuit: its rules, its scopes, its window, and pybreaker in it."""
