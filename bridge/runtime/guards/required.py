"""The rule ``guards`` of a policy: a model is only loaded behind the guards that it asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.errors import PolicyError
from bridge.trust.policy.model import RuntimeRules
from bridge.trust.policy.rules import GUARDS

if TYPE_CHECKING:
    from bridge.runtime.guards.configuration import GuardConfiguration


def refuse_unguarded(rules: RuntimeRules, guards: GuardConfiguration | None) -> None:
    """Raise ``PolicyError`` (rule ``guards``) unless ``guards`` are what ``rules`` ask for; nothing where they ask for none."""
    asked = rules.guards
    if asked is None:
        return
    present = frozenset[str]() if guards is None else guards.kinds
    missing = [kind for kind in asked.kinds if kind not in present]
    if missing:
        found = f"there are {', '.join(sorted(present))}" if present else "there are none"
        raise PolicyError(
            GUARDS, f"the model may run behind guards of the kinds {', '.join(asked.kinds)}; {found}: name a file that has "
            f"{', '.join(missing)} with guards=, --guards or guards: in serve.yaml"
        )  # fmt: skip
    if asked.digests and (guards is None or guards.sha256 not in asked.digests):
        found = "there are none" if guards is None else f"those found have {guards.sha256}"
        raise PolicyError(GUARDS, f"the model may run behind guards of a file whose sha256 the policy lists; {found}")
