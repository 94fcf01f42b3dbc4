"""How a test works a server that runs: its faults, and what it has counted."""
