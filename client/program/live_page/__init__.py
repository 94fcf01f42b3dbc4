"""The live page from the command line: a page elsewhere, shown in a browser or on a terminal."""
