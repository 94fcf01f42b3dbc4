"""What the distribution resilient-http-client needs under a name of its own.

`resilient_http_client.client` and `resilient_http_client.server` are its two packages, also where a
project has a `client` or a `server` that Python finds before ours.
"""

from .long_names import install

__all__: list[str] = []

install()
