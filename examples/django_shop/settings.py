"""What a Django project sets, as far as this one needs it."""

import os

from client import ClientConfig

SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY", "for this machine only")
ALLOWED_HOSTS = os.environ.get("DJANGO_ALLOWED_HOSTS", "127.0.0.1,localhost").split(",")
INSTALLED_APPS = ["examples.django_shop"]
MIDDLEWARE = ["examples.django_shop.errors.UpstreamErrors"]
ROOT_URLCONF = "examples.django_shop.urls"
TIME_ZONE = "UTC"

# From RESILIENT_CLIENT_BASE_URL and its like. A mistake in them stops the process while it starts.
UPSTREAM = ClientConfig.from_env()
