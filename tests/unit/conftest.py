"""Settings of hypothesis, and fixtures that more than one module of these tests needs."""

from hypothesis import settings

# How long an example takes says more about the machine than about the code.
_current = settings.get_profile(settings.get_current_profile_name())
settings.register_profile("no deadline", _current, deadline=None)
settings.load_profile("no deadline")
