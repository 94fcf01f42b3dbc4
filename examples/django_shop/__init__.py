"""A Django project that calls another service; docs/guides/django.md explains it."""
