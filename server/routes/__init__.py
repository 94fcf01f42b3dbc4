"""The HTTP face of the stores, one router per resource; the only modules that know FastAPI."""
