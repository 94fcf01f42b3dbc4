"""Programs that measure: what a call costs, and what minutes under fire leave behind.

They are run by hand. Only the shortest form of the soak is part of the tests.
"""
