"""How answers are kept."""
