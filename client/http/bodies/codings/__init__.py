"""The content codings, undone a bounded piece at a time."""
