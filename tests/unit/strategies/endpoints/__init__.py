"""Endpoints: who is chosen, and who is left out."""
