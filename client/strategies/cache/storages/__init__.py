"""Where entries are kept: in memory, in a file, or where somebody else's code says."""
