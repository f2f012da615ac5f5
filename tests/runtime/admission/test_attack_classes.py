"""Every attack on a model file is refused by its check, and by that alone: switched off, the attack passes."""

from __future__ import annotations

import pytest

from bridge.errors import RefusedModelError
from bridge.runtime.admission.admitting import Examination, admit
from bridge.runtime.admission.registry import CHECKS
from bridge.runtime.limits import ModelLimits
from tests.runtime.admission.attacks import ATTACKS, Attack
from tests.runtime.admission.honest import INTERFACE, changed

every_attack = pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: f"{attack.number}: {attack.name}")


def test_the_honest_model_is_admitted() -> None:
    assert admit(memoryview(changed()), {}, ModelLimits(), INTERFACE).parsed.graph.nodes[0].operator == "MatMul"


@every_attack
def test_attack_is_refused_by_its_check(attack: Attack) -> None:
    external = {name: memoryview(data) for name, data in attack.external.items()}

    with pytest.raises(RefusedModelError) as refused:
        admit(memoryview(attack.build()), external, attack.limits, INTERFACE)

    assert refused.value.check == attack.check


@every_attack
def test_attack_passes_where_its_check_is_switched_off(attack: Attack) -> None:
    external = {name: memoryview(data) for name, data in attack.external.items()}
    off = {attack.check, *attack.also}
    examination = Examination(tuple(check for check in CHECKS if check.name not in off))

    admitted = examination.admit(memoryview(attack.build()), external, attack.lax or attack.limits, INTERFACE)

    assert admitted.parsed.graph.nodes


def test_every_check_has_an_attack_that_needs_it() -> None:
    attacked = {attack.check for attack in ATTACKS}
    assert {check.name for check in CHECKS} - attacked == {"attributes"}  # Whose tests are with those of the formats.
