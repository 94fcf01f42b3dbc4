"""Endpoints: who is chosen, who is left out, and how their list is kept up to date."""
