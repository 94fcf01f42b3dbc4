"""`python -m client`: the command line and the demo."""
