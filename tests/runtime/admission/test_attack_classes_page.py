"""The page about the classes of attack says what the tests do."""

from __future__ import annotations

import pytest

from tests.runtime.admission.attacks import ATTACKS
from tests.runtime.admission.classes import CLASSES, PAGE, ROOT, AttackClass, page


def test_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m tests.runtime.admission.classes"


@pytest.mark.parametrize("each", CLASSES, ids=lambda each: str(each.number))
def test_class_has_an_attack_or_tests_that_exist(each: AttackClass) -> None:
    assert each.tests or any(attack.number == each.number for attack in ATTACKS)
    for test in each.tests:
        file, _, name = test.partition("::")
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8") if name else (ROOT / file).exists()


def test_all_22_classes_are_there() -> None:
    assert [each.number for each in CLASSES] == list(range(1, 23))
