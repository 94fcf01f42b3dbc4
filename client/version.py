"""The version, in one place: the distribution and the `User-Agent` header both read it here."""

__version__ = "0.2.0"
