"""What may be shown of an error, what becomes of it in a pickle, and whose it is."""
