"""The ways to the wire, and what is mended in them."""
