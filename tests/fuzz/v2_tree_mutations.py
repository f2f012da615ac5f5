"""Mutations of a v2 file as a tree of messages, written with the right lengths: they reach what lies behind the wire format."""

from __future__ import annotations

import random
from dataclasses import dataclass

from bridge.source.v2.wire import BYTES, VARINT, read_fields
from tests.source.v2.wire_writer import varint

# For each message: the fields that hold messages, and which.
_INSIDE = {
    "Dictionary": {2: "Entry"},
    "Entry": {2: "Value"},
    "Value": {9: "NDShape", 10: "Axis", 11: "Vector", 12: "Dictionary", 13: "NDArrayView"},
    "Vector": {1: "Value"},
    "NDArrayView": {3: "NDShape", 4: "Elements", 5: "Elements", 6: "Elements", 7: "Elements"},
}
_NUMBERS = (
    0,
    1,
    2,
    3,
    25,
    44,
    57,
    98,
    255,
    1 << 16,
    (1 << 31) - 1,
    1 << 40,
    1 << 63,
    (1 << 64) - 1,
    (1 << 64) - 2,
    (1 << 64) - 3,
)
_TEXTS = (
    b"",
    b"type",
    b"uid",
    b"root",
    b"x",
    b"CompositeFunction",
    b"PrimitiveFunction",
    b"UserDefinedFunction",
    b"\xff\xfe",
    b"a" * 5000,
)


@dataclass(slots=True)
class Node:
    """A field: its tag and what it holds."""

    tag: int
    content: int | bytes | list[Node]


def parse(data: bytes) -> list[Node]:
    """The tree of a Dictionary that is in order."""
    return _parse(memoryview(data), 0, len(data), "Dictionary")


def _parse(data: memoryview, start: int, end: int, message: str) -> list[Node]:
    nodes = []
    for tag, a, b, _ in read_fields(data, start, end):
        inside = _INSIDE.get(message, {}).get(tag >> 3)
        if tag & 7 == VARINT:
            nodes.append(Node(tag, a))
        else:
            nodes.append(Node(tag, _parse(data, a, b, inside) if inside else bytes(data[a:b])))
    return nodes


def write(nodes: list[Node]) -> bytes:
    """The bytes of a tree, with the lengths that it now has."""
    parts = []
    for node in nodes:
        parts.append(varint(node.tag))
        if isinstance(node.content, int):
            parts.append(varint(node.content))
            continue
        payload = node.content if isinstance(node.content, bytes) else write(node.content)
        if node.tag & 7 == BYTES:
            parts.append(varint(len(payload)))
        parts.append(payload)
    return b"".join(parts)


def all_lists(nodes: list[Node]) -> list[list[Node]]:
    """The fields of each message in a tree, where there are any."""
    found = [nodes] if nodes else []
    for node in nodes:
        if isinstance(node.content, list):
            found += all_lists(node.content)
    return found


def mutate_tree(tree: list[Node], lists: list[list[Node]], rng: random.Random) -> bytes:
    """The bytes of ``tree`` with one message changed; ``lists`` is ``all_lists(tree)``. The tree itself is left as it was."""
    chosen = rng.choice(lists)
    before = list(chosen)
    at = rng.randrange(len(chosen))
    kind = rng.randrange(6)
    if kind == 0:
        del chosen[at]
    elif kind == 1:
        chosen[at:at] = [chosen[at]] * rng.choice((1, 1, 50))
    elif kind == 2:
        rng.shuffle(chosen)
    elif kind == 3:
        chosen[at] = rng.choice(rng.choice(lists))
    elif kind == 4:
        chosen[at] = Node(rng.choice((chosen[at].tag, chosen[at].tag, 0x12, 0x0A, rng.randrange(128))), chosen[at].content)
    else:
        chosen[at] = _changed(chosen[at], rng)
    try:
        return write(tree)
    except RecursionError:  # a message was put into itself
        return b""
    finally:
        chosen[:] = before


def _changed(node: Node, rng: random.Random) -> Node:
    if isinstance(node.content, int):
        return Node(node.tag, rng.choice((*_NUMBERS, node.content + 1, max(node.content - 1, 0))))
    if isinstance(node.content, bytes) and node.tag & 7 == BYTES:
        half = len(node.content) // 2
        return Node(node.tag, rng.choice((*_TEXTS, node.content[:half], node.content * 2, node.content + b"_Output_0")))
    return Node(node.tag, [] if isinstance(node.content, list) else bytes(len(node.content)))
