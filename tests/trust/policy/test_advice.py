"""bridge.trust.policy.advice: what is unwise is said, and nothing of a policy that is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bridge.trust.policy.advice import advice
from bridge.trust.policy.document import load_policy
from tests.trust.signed_models import new_key, write_policy, write_public


def _advice(folder: Path, **more: Any) -> tuple[str, ...]:
    wise = {
        "policy": 1,
        "signers": {name: {"keys": [write_public(folder, name, new_key())]} for name in ("team", "ci")},
        "accept": {"source": ["team"], "package": ["ci"]},
        "require": {"package": ["conversion", "source-signature", "equivalence-cpu"]},
        "maximum-age-days": {"package": 90},
        "versions": {"require": True},
        "alerts": [{"syslog": "/dev/log"}],
    }
    return advice(load_policy(write_policy(folder, wise | more)))


def test_wise_policy_gets_no_advice(tmp_path: Path) -> None:
    assert _advice(tmp_path) == ()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"accept": {"source": ["team"], "package": ["ci", "team"]}}, "team may sign sources and packages"),
        ({"accept": {"package": ["ci"]}}, "the group team may sign nothing"),
        ({"require": {}}, "nothing is required of packages but a signature"),
        ({"require": {"package": ["conversion", "equivalence-cpu"]}}, "source-signature is not required of packages"),
        (
            {"require": {"source": ["conversion"], "package": ["conversion", "source-signature", "equivalence-cpu"]}},
            "conversion is required of sources, which only packages have",
        ),
        ({"accept-waived": True}, "waived tolerances are accepted"),
        ({"maximum-age-days": {}}, "packages never grow too old"),
        ({"versions": {"remember": False}}, "versions are not remembered"),
        ({"versions": {}}, "versions need not be stated"),
        ({"alerts": []}, "nobody is alerted"),
    ],
)
def test_unwise_policy_gets_one_sentence(tmp_path: Path, change: dict[str, Any], sentence: str) -> None:
    [found] = _advice(tmp_path, **change)
    assert sentence in found
