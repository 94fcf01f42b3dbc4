"""What a call costs: run by hand, never part of the tests, which assert no time."""
