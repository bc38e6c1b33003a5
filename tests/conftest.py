"""For all tests: a property is never judged by the clock; machines that run tests are busy, and speed is measured by tests/bench."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
