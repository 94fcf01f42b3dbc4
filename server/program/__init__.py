"""The command line: its arguments, and servers in the foreground."""
