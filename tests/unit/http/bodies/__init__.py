"""Content codings undone."""
