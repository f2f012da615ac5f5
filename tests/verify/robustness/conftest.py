"""The digits that every test here attacks, and the small networks that have learned them; without torch there is no test."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.verify.robustness.digits import Digits
    from tests.verify.robustness.networks import DigitsNetwork

collect_ignore_glob = [] if find_spec("torch") else ["test_*.py"]


@pytest.fixture(scope="session")
def digits() -> Digits:
    from tests.verify.robustness.digits import load_digits

    return load_digits()


@pytest.fixture(scope="session")
def standard() -> DigitsNetwork:
    from tests.verify.robustness.networks import stored

    return stored("standard")


@pytest.fixture(scope="session")
def hardened() -> DigitsNetwork:
    from tests.verify.robustness.networks import stored

    return stored("hardened")


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Networks this small are slower on several threads, above all where the machine is busy."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
