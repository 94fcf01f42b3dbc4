"""The health of one endpoint."""
