"""The example programs for Django and Celery, run on the real thing."""
