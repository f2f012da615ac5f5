"""Settings for every test: hypothesis draws the same examples each time, so that a failure is reproducible in any clone."""

from hypothesis import settings

settings.register_profile("project", derandomize=True, deadline=None, database=None)
settings.load_profile("project")
