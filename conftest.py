"""Runs the Python blocks of README.md and USAGE.md as tests, each document in one namespace."""

from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser()],
    patterns=["README.md", "USAGE.md"],
).pytest()
