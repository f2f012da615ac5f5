"""YAML that people write, read with less than YAML can do: no tags, no aliases, no repeated keys, no numbers that JSON lacks.

What comes out is JSON's types alone, so that it can be signed: a date stays the text that was written.
"""

from __future__ import annotations

from typing import Any

import yaml

from bridge.errors import InvalidOptionError

YAML_BYTES_AT_MOST = 1 << 20
_DEPTH_AT_MOST = 20
_COLLECTIONS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
_NUMBERS_BELOW = 2.0**63  # What readers of JSON agree on; not-a-number is not below it either.


def parse_yaml(data: bytes, *, what: str) -> Any:
    """The document that ``data`` holds. Raises ``InvalidOptionError``, with line and column, for what is not plain YAML."""
    if len(data) > YAML_BYTES_AT_MOST:
        raise InvalidOptionError(f"{what} has {len(data)} bytes; expected at most {YAML_BYTES_AT_MOST}")
    try:
        text = data.decode("utf-8")
        _refuse_hazards(text, what)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except UnicodeDecodeError as error:
        raise InvalidOptionError(f"{what} is not UTF-8: {error.reason} at byte {error.start}") from error
    except yaml.YAMLError as error:
        raise InvalidOptionError(f"{what} is not YAML: {' '.join(str(error).split())[:500]}") from error
    return None if root is None else _value(root, what)


def _refuse_hazards(text: str, what: str) -> None:
    """Before anything is built. An alias of an alias is how a few bytes of YAML become gigabytes, and nobody needs one here."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise InvalidOptionError(f"{what}, {_place(event)}: an alias (*{event.anchor}); write the value out")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEPTH_AT_MOST:
            raise InvalidOptionError(f"{what}, {_place(event)}: nested more than {_DEPTH_AT_MOST} deep")


def _value(node: yaml.Node, what: str) -> Any:
    if isinstance(node, yaml.CollectionNode) and node.tag not in _COLLECTIONS:
        raise InvalidOptionError(f"{what}, {_place(node)}: the tag {node.tag[:100]!a}; expected a plain mapping or list")
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, what)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, what) for item in node.value]
    return _scalar(node, what)


def _mapping(node: yaml.MappingNode, what: str) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise InvalidOptionError(f"{what}, {_place(key)}: a key that is not a text")
        if not _is_unicode(key.value):
            raise InvalidOptionError(f"{what}, {_place(key)}: half of a surrogate pair, which is no character")
        if key.value in result:
            raise InvalidOptionError(f"{what}, {_place(key)}: {key.value!r} is stated twice")
        result[key.value] = _value(value, what)
    return result


def _scalar(node: yaml.Node, what: str) -> Any:
    text = str(node.value)
    kind = node.tag.removeprefix("tag:yaml.org,2002:")
    if kind in ("str", "timestamp"):
        if not _is_unicode(text):
            raise InvalidOptionError(f"{what}, {_place(node)}: half of a surrogate pair, which is no character")
        return text
    if kind == "null":
        return None
    try:
        if kind == "bool":
            return yaml.SafeLoader.bool_values[text.lower()]
        number = yaml.safe_load(text) if kind in ("int", "float") else None
    except (ValueError, KeyError, yaml.YAMLError):
        number = None
    if not isinstance(number, int | float) or not abs(number) < _NUMBERS_BELOW:
        raise InvalidOptionError(
            f"{what}, {_place(node)}: {text[:100]!r} of type {kind}; expected a text, a number or a truth value"
        )
    return number


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _place(node: Any) -> str:
    return f"line {node.start_mark.line + 1}, column {node.start_mark.column + 1}"
