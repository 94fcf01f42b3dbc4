"""The public names and their signatures, as a file that is reviewed: docs/api.txt."""
