"""Retries: the policy, the budget, and a user's own tenacity objects."""
