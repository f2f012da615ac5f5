"""The vocabulary of ``attribute_schema``: rules that say which values an attribute may have.

A rule judges a value by its type first, and exactly (a truth value is no integer, a shape is no vector), then by its range. It
answers with a sentence of what it wanted, or with ``None`` where the value will do.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from bridge.graph.model import INFERRED, UNKNOWN_SHAPE, AttributeValue, Axis, NDShape
from bridge.limits import Limits

Rule = Callable[[AttributeValue, Limits], str | None]
Bound = Callable[[Limits], int]


def elements(limits: Limits) -> int:
    """The bound of numbers that become a dimension of some value."""
    return limits.inferred_elements


def rank(limits: Limits) -> int:
    """The bound of numbers that count dimensions."""
    return limits.rank


def delay_steps(limits: Limits) -> int:
    """The bound of how far a delay may reach."""
    return limits.delay_steps


def anything(value: AttributeValue, limits: Limits) -> str | None:
    """Any value of any type: content of the user's own."""
    return None


def flag(value: AttributeValue, limits: Limits) -> str | None:
    """True or false."""
    return None if type(value) is bool else "true or false"


def integer(low: int, bound: Bound) -> Rule:
    """An integer from ``low`` to a bound that is a limit."""

    def judge(value: AttributeValue, limits: Limits) -> str | None:
        high = bound(limits)
        return None if type(value) is int and low <= value <= high else f"an integer from {low} to {high}"

    return judge


def any_integer(value: AttributeValue, limits: Limits) -> str | None:
    """An integer of any size that the format can hold."""
    return None if type(value) is int else "an integer"


def count(value: AttributeValue, limits: Limits) -> str | None:
    """An integer that is not negative and drives no allocation: a seed, an offset into random numbers."""
    return None if type(value) is int and value >= 0 else "an integer of at least 0"


def step(value: AttributeValue, limits: Limits) -> str | None:
    """The step of a slice: negative steps go backwards."""
    return None if type(value) is int and value != 0 else "an integer other than 0"


def one_of(*choices: int | str) -> Rule:
    """One of a few numbers or words."""
    expected = "one of " + ", ".join(map(repr, choices))

    def judge(value: AttributeValue, limits: Limits) -> str | None:
        return None if isinstance(value, (int, str)) and type(value) is not bool and value in choices else expected

    return judge


def text(value: AttributeValue, limits: Limits) -> str | None:
    """A string."""
    return None if type(value) is str else "a string"


def number(value: AttributeValue, limits: Limits) -> str | None:
    """A floating-point number, infinities included."""
    return None if type(value) is float and not math.isnan(value) else "a floating-point number"


def finite(value: AttributeValue, limits: Limits) -> str | None:
    """A finite floating-point number."""
    return None if type(value) is float and math.isfinite(value) else "a finite floating-point number"


def positive(value: AttributeValue, limits: Limits) -> str | None:
    """A finite floating-point number above 0."""
    return None if type(value) is float and 0 < value < math.inf else "a floating-point number above 0"


def rate(value: AttributeValue, limits: Limits) -> str | None:
    """A share that leaves something over."""
    return None if type(value) is float and 0 <= value < 1 else "a floating-point number of at least 0 and below 1"


def axis(value: AttributeValue, limits: Limits) -> str | None:
    """An axis of any kind. Whether the operator can work along it depends on its operand, which is not known here."""
    return None if type(value) is Axis else "an axis"


def shape(low: int, *, unknown: bool = False) -> Rule:
    """A shape with dimensions from ``low`` (which may be a sentinel) to the limit of elements, one of them inferred at most."""

    def judge(value: AttributeValue, limits: Limits) -> str | None:
        if type(value) is NDShape and len(value) <= limits.rank:
            if value == UNKNOWN_SHAPE:
                return None if unknown else "a known shape"
            if all(low <= dim <= limits.inferred_elements for dim in value) and value.count(INFERRED) <= 1:
                return None
        return f"a shape of at most {limits.rank} dimensions from {low} to {limits.inferred_elements}"

    return judge


def vector(rule: Rule, bound: Bound = rank) -> Rule:
    """A vector whose elements all keep ``rule``."""

    def judge(value: AttributeValue, limits: Limits) -> str | None:
        if type(value) is not tuple or len(value) > bound(limits):
            return f"a vector of at most {bound(limits)} elements"
        faults = (rule(element, limits) for element in value)
        return next((f"a vector, each element {fault}" for fault in faults if fault is not None), None)

    return judge
