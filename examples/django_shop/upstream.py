"""The clients of this process: made once, when this module is first imported, and then shared."""

import atexit

from django.conf import settings

from client import ResilientClient, SyncResilientClient

client = SyncResilientClient(settings.UPSTREAM)
"""For plain views, in whatever thread they run."""
atexit.register(client.close)

async_client = ResilientClient(settings.UPSTREAM)
"""For async views. `asgi.py` closes it, in the event loop that it belongs to."""
