"""Runs the examples of README.md and USAGE.md as tests, each document by itself."""

from sybil import Sybil

from tests.docs.running import begin, end, parse_output, parse_python

pytest_collect_file = Sybil(
    parsers=[parse_python, parse_output],
    patterns=["README.md", "USAGE.md"],
    setup=begin,
    teardown=end,
).pytest()
