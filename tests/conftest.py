"""Settings for every test: hypothesis draws the same examples each time, so that a failure is reproducible in any clone."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("project", derandomize=True, deadline=None, database=None)
settings.load_profile("project")


@pytest.fixture(scope="session", autouse=True)
def _state_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The versions that were seen are remembered for the tests alone, and not for whoever runs them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield
