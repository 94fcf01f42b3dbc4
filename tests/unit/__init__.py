"""The ground and the policies, one module at a time: pure code on handed-in time and chance."""
