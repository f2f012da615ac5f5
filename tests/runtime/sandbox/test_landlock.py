"""Which rights each ABI of Landlock has; what they do is shown from inside workers."""

import pytest

from bridge.runtime.sandbox.landlock import handled_rights, landlock_abi


@pytest.mark.parametrize(
    ("abi", "rights"),
    [
        (1, (0x1FFF, 0, 0)),
        (2, (0x3FFF, 0, 0)),
        (3, (0x7FFF, 0, 0)),
        (4, (0x7FFF, 3, 0)),
        (5, (0xFFFF, 3, 0)),
        (6, (0xFFFF, 3, 3)),
        (7, (0xFFFF, 3, 3)),
        (12, (0xFFFF, 3, 3)),
    ],
)
def test_all_rights_of_an_abi_are_handled(abi: int, rights: tuple[int, int, int]) -> None:
    assert handled_rights(abi) == rights


def test_the_kernels_abi_is_a_number() -> None:
    assert landlock_abi() >= 0
