"""What protects a call: one file or folder each, none of which knows another."""
