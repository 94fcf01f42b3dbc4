"""What listeners are told, and what nobody is."""
