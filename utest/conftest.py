"""How much hypothesis tries: a moment's worth by default, `--hypothesis-profile=fuzz` for hours of a machine's time.

A property of every opcode runs with at least 200 examples of each, whatever the profile.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# How fast this machine draws examples is no property of what is tested.
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("here")
settings.register_profile(
    "fuzz", max_examples=20_000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
