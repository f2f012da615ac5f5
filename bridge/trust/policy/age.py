"""When a model was made and tested, as its trusted statements tell, and the rule about it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from bridge.trust.policy.model import Policy
from bridge.trust.policy.rules import MAXIMUM_AGE, Outcome, RuleOutcome
from bridge.trust.policy.statements import TrustedStatement
from bridge.trust.statement import Statement

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})")

# Clocks differ. A statement from further in the future than this is wrong, or was made to stay young.
_CLOCK_TOLERANCE = timedelta(minutes=5)

# Where the kinds of statements that we know tell their time.
_PLACES = (
    ("runDetails", "cntkbridge_statedBy", "at"),
    ("runDetails", "metadata", "finishedOn"),
    ("timeVerified",),
    ("cntkbridge_summary", "created"),
)


def stated_time(statement: Statement) -> datetime | None:
    """When the statement says that it was made; ``None`` where it does not say so in RFC 3339."""
    for place in _PLACES:
        value: object = statement.predicate
        for member in place:
            value = value.get(member) if isinstance(value, Mapping) else None
        if isinstance(value, str) and _TIME.fullmatch(value):
            try:
                return datetime.fromisoformat(value).astimezone(UTC)
            except (ValueError, OverflowError):
                return None
    return None


def age_rule(policy: Policy, role: str, statements: Sequence[TrustedStatement], now: datetime) -> RuleOutcome:
    """What the rule ``maximum-age`` says. The newest trusted statement counts: whoever tests a model again renews it."""
    days = policy.maximum_age_days.get(role)
    if days is None:
        return RuleOutcome(MAXIMUM_AGE, Outcome.NOT_APPLIED, "no maximum age is set")
    times = [time for trusted in statements if (time := stated_time(trusted.statement)) is not None]
    if not times:
        return RuleOutcome(MAXIMUM_AGE, Outcome.REFUSED, f"no trusted statement tells its time; {days:g} days are allowed")
    newest = max(times)
    when = newest.strftime("%Y-%m-%dT%H:%M:%SZ")
    if newest > now + _CLOCK_TOLERANCE:
        return RuleOutcome(MAXIMUM_AGE, Outcome.REFUSED, f"a trusted statement is from the future: {when}")
    if now - newest > timedelta(days=days):
        return RuleOutcome(
            MAXIMUM_AGE, Outcome.REFUSED, f"the newest trusted statement is of {when}; expected one of the last {days:g} days"
        )
    return RuleOutcome(MAXIMUM_AGE, Outcome.PASSED, f"the newest trusted statement is of {when}; {days:g} days are allowed")
