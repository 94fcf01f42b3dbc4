"""The client against real sockets on loopback: what no virtual clock and no mock can show."""
