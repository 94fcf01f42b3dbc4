"""What is sent and received by code of our own."""
