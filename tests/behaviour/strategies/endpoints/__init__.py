"""Several endpoints as callers meet them."""
