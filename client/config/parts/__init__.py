"""The settings of each part of a client, a file each."""
