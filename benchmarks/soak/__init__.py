"""The soak: minutes of mixed load under mixed faults, and a count of what went wrong.

`python -m benchmarks.soak --minutes 8`
"""
