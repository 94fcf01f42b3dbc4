"""Hedging: further attempts beside one that is late; the first good answer wins.

Source: Dean and Barroso, "The Tail at Scale", Communications of the ACM 56 (2013), 2.
"""
