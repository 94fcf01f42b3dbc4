"""What a call costs, beside the same call unprotected and beside other libraries.

`python -m benchmarks`
"""
