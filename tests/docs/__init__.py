"""Tests of the documents and of the examples: what they show runs, and what they state is so."""
