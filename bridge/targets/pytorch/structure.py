"""Recovers structure: statements that occur again and again, over other weights, become one class and several modules of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Final

from bridge.targets.pytorch.expression import Expr, Ref, leaves, replaced
from bridge.targets.pytorch.members import MODULE, Member
from bridge.targets.pytorch.naming import identifier, wanted_name
from bridge.targets.pytorch.program import Refs, Region, Statement
from bridge.targets.pytorch.simplification import ends
from bridge.targets.pytorch.translation import Names

_LONGEST: Final = 160
_SHORTEST: Final = 4
_MOST_INPUTS: Final = 4
_LEAST_SAVED: Final = 7
_MOST_STATEMENTS: Final = 3000
_MOST_CLASSES: Final = 20
_ACTIVATIONS: Final = ("F.relu", "torch.tanh", "torch.sigmoid", "F.elu")

Window = tuple[int, int]


def recover_structure(region: Region, refs: Refs, names: Names) -> None:
    """Replace what repeats most by modules, until nothing is left that is worth a class; chains of them become sequences."""
    _lift_shared(region, refs)
    for _ in range(_MOST_CLASSES):
        found = _best(region, names)
        if found is None:
            break
        recover_structure(_extract(region, found, refs, names), refs, names)
    _chain(region)


def _lift_shared(region: Region, refs: Refs) -> None:
    """Parameters and buffers that several statements read are read once, at the beginning: modules take them as arguments."""
    uses = Counter(leaf for statement in region.statements for leaf in statement.reads() if isinstance(leaf, Member))
    lifted: dict[Ref | Member, Ref] = {member: refs.new() for member, n in uses.items() if n > 1 and member.kind != MODULE}
    if not lifted:
        return
    for statement in region.statements:
        statement.expr = replaced(statement.expr, lambda leaf: lifted.get(leaf, leaf))
    region.statements[:0] = [Statement((ref,), member) for member, ref in lifted.items()]


class _Reading:
    """Who makes and who reads the values of a region."""

    def __init__(self, region: Region, names: Names) -> None:
        self.blocks = _block_windows(region, names)
        self.statements = region.statements
        self.made = {target: k for k, statement in enumerate(region.statements) for target in statement.targets}
        self.last: dict[Ref, int] = {}
        self.member_uses: Counter[Member] = Counter()
        for k, statement in enumerate(region.statements):
            for leaf in statement.reads():
                if isinstance(leaf, Ref):
                    self.last[leaf] = k
                else:
                    self.member_uses[leaf] += 1
        self.last.update(dict.fromkeys(ends(region), len(region.statements)))

    def signature(self, window: Window) -> tuple[object, ...] | None:
        """What the window computes, whatever the weights; ``None`` where it cannot be a module."""
        first, end = window
        if self._is_recovered(first) or self._is_recovered(end - 1):  # They are chained instead.
            return None
        local: dict[Ref, tuple[int, int]] = {}
        outside: dict[Ref, int] = {}
        members: dict[Member, int] = {}
        result: list[object] = []
        for k in range(first, end):
            statement = self.statements[k]
            result.append(self._described(statement.expr, local, outside, members))
            for place, target in enumerate(statement.targets):
                local[target] = (k - first, place)
                if self.last.get(target, -1) >= end and k < end - 1:
                    return None
        inside = Counter(leaf for k in range(first, end) for leaf in self.statements[k].reads() if isinstance(leaf, Member))
        if any(self.member_uses[member] != count for member, count in inside.items()):
            return None
        last = self.statements[end - 1]
        if len(last.targets) != 1 or not 1 <= len(outside) <= _MOST_INPUTS or not members:
            return None
        return tuple(result)

    def _is_recovered(self, k: int) -> bool:
        expr = self.statements[k].expr
        member = expr.args[0] if isinstance(expr, Expr) and expr.args else None
        return isinstance(member, Member) and member.region is not None and member.region.loop is None

    def _described(
        self, arg: Ref | Expr | Member, local: dict[Ref, tuple[int, int]], outside: dict[Ref, int], members: dict[Member, int]
    ) -> object:
        if isinstance(arg, Expr):
            return (arg.template, *(self._described(inner, local, outside, members) for inner in arg.args))
        if isinstance(arg, Ref):
            return ("local", local[arg]) if arg in local else ("outside", outside.setdefault(arg, len(outside)))
        kind = id(arg.region) if arg.region is not None else 0
        return (arg.signature, kind, members.setdefault(arg, len(members)))

    def kind(self, k: int) -> object:
        """A statement without what it reads."""
        statement = self.statements[k]
        return _kind(statement.expr)


def _kind(arg: Ref | Expr | Member) -> object:
    if isinstance(arg, Expr):
        return (arg.template, *(_kind(inner) for inner in arg.args))
    return None if isinstance(arg, Ref) else (arg.signature, id(arg.region))


def _best(region: Region, names: Names) -> list[Window] | None:
    """The windows that save the most lines when they become modules of one class."""
    count = len(region.statements)
    if count < 2 * _SHORTEST or count > _MOST_STATEMENTS:
        return None
    reading = _Reading(region, names)
    numbers: dict[object, int] = {}
    kinds = [numbers.setdefault(reading.kind(k), len(numbers)) for k in range(count)]
    best: tuple[float, list[Window]] | None = None
    for length in range(_SHORTEST, min(_LONGEST, count // 2) + 1):
        repeated: dict[tuple[int, ...], list[int]] = {}
        for k in range(count - length + 1):
            repeated.setdefault(tuple(kinds[k : k + length]), []).append(k)
        candidates = [starts for starts in repeated.values() if len(starts) > 1]
        if not candidates:
            break
        for starts in candidates:
            for windows in _alike(reading, starts, length):
                saved = (len(windows) - 1) * length - _LEAST_SAVED + _shape(reading, windows[0])
                if saved > 0 and (best is None or saved > best[0]):
                    best = (saved, windows)
    return None if best is None else best[1]


def _alike(reading: _Reading, starts: list[int], length: int) -> list[list[Window]]:
    """Windows that do not overlap, grouped by what they compute."""
    groups: dict[object, list[Window]] = {}
    for start in starts:
        window = (start, start + length)
        signature = reading.signature(window)
        if signature is None:
            continue
        group = groups.setdefault(signature, [])
        if not group or group[-1][1] <= start:
            group.append(window)
    return [group for group in groups.values() if len(group) > 1]


def _shape(reading: _Reading, window: Window) -> float:
    """Between windows of equal worth: one that begins with a layer and ends with an activation is what people write."""
    first, last = (reading.statements[k].expr for k in (window[0], window[1] - 1))
    begins = isinstance(first, Expr) and bool(first.args) and isinstance(first.args[0], Member)
    ends_well = isinstance(last, Expr) and last.template.startswith(_ACTIVATIONS)
    outside = {
        leaf
        for k in range(*window)
        for leaf in reading.statements[k].reads()
        if isinstance(leaf, Ref) and not window[0] <= reading.made.get(leaf, -1) < window[1]
    }
    block = 3 * (window in reading.blocks)
    return block + 0.5 * begins + 0.6 * ends_well - 0.7 * (len(outside) - 1)


def _extract(region: Region, windows: list[Window], refs: Refs, names: Names) -> Region:
    """A class of the first window, and a module of it in the place of each."""
    block = _block_windows(region, names).get(windows[0], "")
    producers = {target: statement for statement in region.statements for target in statement.targets}
    bodies = [region.statements[first:end] for first, end in windows]
    inputs = [_inputs(body) for body in bodies]
    members = [_members(body) for body in bodies]
    template, stand_ins = _template(bodies[0], inputs[0], members, refs, producers)
    template.name = _stem([body[-1].hint for body in bodies]) or class_name(block, template.name)
    template.doc = _DOCS.get(template.name, f"CNTK's block {block}." if block else "A part that occurs more than once.")
    parameters, values = _parameters(members)
    for stand_in, position in zip(stand_ins, range(len(stand_ins)), strict=True):
        stand_in.arguments = tuple(
            (name, parameters.get((position, k), value)) for k, (name, value) in enumerate(members[0][position].arguments)
        )
    template.parameters = list(values)
    instances = []
    for k, body in enumerate(bodies):
        inner = dict(zip(stand_ins, members[k], strict=True))
        arguments = tuple((name, numbers[k]) for name, numbers in values.items())
        member = Member(
            MODULE, template.name, arguments, {}, _snake(template.name), body[-1].origin, region=template, inner=inner
        )
        member.cntk_name = body[-1].hint
        slots = ", ".join(f"{{{n + 1}}}" for n in range(len(inputs[k])))
        instances.append(
            Statement(body[-1].targets, Expr(f"{{0}}({slots})", (member, *inputs[k])), body[-1].origin, body[-1].hint)
        )
    for (first, end), statement in reversed(list(zip(windows, instances, strict=True))):
        region.statements[first:end] = [statement]
    return template


def _stem(hints: list[str]) -> str:
    """A class name from what CNTK calls the results: ``block0`` and ``block1`` are each a ``Block``."""
    stems = {identifier(hint).rstrip("0123456789_") for hint in hints}
    stem = stems.pop() if len(stems) == 1 else ""
    return class_name(stem, "") if len(stem) > 2 and len(set(hints)) == len(hints) else ""


def class_name(name: str, default: str) -> str:
    """A name in capital words."""
    words = identifier(name).replace("_", " ").split()
    made = "".join(word[:1].upper() + word[1:] for word in words)
    return made if made and made[0].isalpha() else default


def _block_windows(region: Region, names: Names) -> dict[Window, str]:
    """The windows that are exactly one block of CNTK's, and what kind of block that is."""
    places: dict[tuple[str, str], list[int]] = {}
    for k, statement in enumerate(region.statements):
        for block in names.blocks.get(statement.origin, ()):
            places.setdefault((block.uid, block.op_name), []).append(k)
    whole = {key: found for key, found in places.items() if len(found) == found[-1] - found[0] + 1}
    return {(found[0], found[-1] + 1): op_name for (_, op_name), found in whole.items()}


def _inputs(body: list[Statement]) -> list[Ref]:
    made = {target for statement in body for target in statement.targets}
    return list(
        dict.fromkeys(leaf for statement in body for leaf in statement.reads() if isinstance(leaf, Ref) and leaf not in made)
    )


def _members(body: list[Statement]) -> list[Member]:
    return list(dict.fromkeys(leaf for statement in body for leaf in statement.reads() if isinstance(leaf, Member)))


def _template(
    body: list[Statement], inputs: list[Ref], members: list[list[Member]], refs: Refs, producers: dict[Ref, Statement]
) -> tuple[Region, list[Member]]:
    stand_ins = []
    for position, member in enumerate(members[0]):
        names = {other[position].cntk_name for other in members}
        stand_ins.append(replace(member, cntk_name=member.cntk_name if len(names) == 1 else ""))
    new: dict[Ref | Member, Ref | Member] = dict(zip(members[0], stand_ins, strict=True))
    new.update({ref: refs.new() for ref in inputs})
    for statement in body:
        new.update({target: refs.new() for target in statement.targets})
    region = Region(_name(body, inputs), [_as_ref(new[ref]) for ref in inputs])
    for statement in body:
        targets = tuple(_as_ref(new[target]) for target in statement.targets)
        region.statements.append(Statement(targets, replaced(statement.expr, lambda leaf: new.get(leaf, leaf)), statement.origin))
    region.results = [_as_ref(new[body[-1].targets[0]])]
    region.names = dict(zip(region.arguments, _argument_names(inputs, producers), strict=True))
    return region, stand_ins


def _argument_names(inputs: list[Ref], producers: dict[Ref, Statement]) -> list[str]:
    """``x`` for the first argument, for the others what they would be called where they are made."""
    found: list[str] = []
    for k, ref in enumerate(inputs):
        maker = producers.get(ref)
        made = "" if maker is None else wanted_name(maker.expr, "")
        if maker is not None and isinstance(maker.expr, Member):
            made = identifier(maker.expr.cntk_name) or maker.expr.hint
        name = "x" if k == 0 else (made if made not in ("", "x") else "given")
        number = 1
        while f"{name}{number if number > 1 else ''}" in found:
            number += 1
        found.append(f"{name}{number if number > 1 else ''}")
    return found


def _as_ref(leaf: Ref | Member) -> Ref:
    assert isinstance(leaf, Ref)
    return leaf


def _parameters(members: list[list[Member]]) -> tuple[dict[tuple[int, int], str], dict[str, list[object]]]:
    """The numbers in which the modules differ, each as a parameter of the constructor; equal ones share one."""
    wanted: dict[tuple[object, ...], list[tuple[int, int, str]]] = {}
    for position in range(len(members[0])):
        for k, (name, _) in enumerate(members[0][position].arguments):
            values = tuple(own[position].arguments[k][1] for own in members)
            if len(set(values)) > 1:
                wanted.setdefault(values, []).append((position, k, name))
    found: dict[tuple[int, int], str] = {}
    columns: dict[str, list[object]] = {}
    for values, places in wanted.items():
        name = _parameter_name([place[2] for place in places], columns, alone=len(wanted) == 1)
        columns[name] = list(values)
        found.update({(position, k): name for position, k, _ in places})
    return found, columns


def _parameter_name(names: list[str], taken: dict[str, list[object]], *, alone: bool) -> str:
    kinds = set(names)
    wanted = names[0]
    if alone and {"in_channels", "out_channels"} <= kinds:
        wanted = "channels"
    elif alone and {"in_features", "out_features"} <= kinds:
        wanted = "features"
    elif wanted.startswith("size"):
        wanted = "size"
    made, number = wanted, 1
    while made in taken:
        number += 1
        made = f"{wanted}{number}"
    return made


def _name(body: list[Statement], inputs: list[Ref]) -> str:
    """What people call such a part."""
    sums = [
        statement.expr
        for statement in body
        if isinstance(statement.expr, Expr) and statement.expr.template.startswith("{0:4} + {1:5}")
    ]
    constructors = [leaf.constructor for statement in body for leaf in statement.reads() if isinstance(leaf, Member)]
    layers = {name.removeprefix("nn.").rstrip("123d") for name in constructors}
    texts = [statement.expr.template for statement in body if isinstance(statement.expr, Expr)]
    if any("softmax" in text for text in texts):
        return "AttentionBlock" if sums else "Attention"
    if "Conv" in layers and sums:
        kept = any(inputs[0] in leaves(total) for total in sums)
        two_paths = any(sum(isinstance(leaf, Ref) for leaf in leaves(total)) == 2 for total in sums)
        return "ResidualBlock" if kept else ("ProjectionBlock" if two_paths else "Block")
    if "LSTM" in layers or "GRU" in layers or "GRUCells" in layers:
        return "RecurrentBlock"
    if "Conv" in layers:
        return "ConvBlock"
    if any("torch.sqrt" in text for text in texts) and any(".mean(" in text for text in texts):
        return "NormalizedBlock" if layers else "LayerNormalization"
    return "DenseBlock" if layers == {"Linear"} else "Block"


_DOCS: Final = {
    "ResidualBlock": "Layers around which the input is added to the result.",
    "ProjectionBlock": "Layers in two paths of which the results are added.",
    "ConvBlock": "A convolution and what follows it.",
    "LayerNormalization": "CNTK's layer normalisation: epsilon is added to the deviation.",
    "AttentionBlock": "Attention and what follows it.",
    "RecurrentBlock": "A recurrent layer and what belongs to it.",
}


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def _chain(region: Region) -> None:
    """Modules of recovered classes one behind the other become ``nn.Sequential``."""
    reading = _Reading(region, Names())
    uses = Counter(leaf for statement in region.statements for leaf in statement.reads() if isinstance(leaf, Ref))
    uses.update(ends(region))
    runs: list[Window] = []
    start = 0
    while start < len(region.statements):
        end = start
        while end < len(region.statements) and _is_link(region, reading, uses, end, first=end == start):
            end += 1
        if end - start > 1:
            runs.append((start, end))
        start = max(end, start + 1)
    for first, end in reversed(runs):
        links = region.statements[first:end]
        parts = tuple(_called(statement) for statement in links)
        source = links[0].expr
        assert isinstance(source, Expr)
        member = Member(MODULE, "nn.Sequential", (), {}, "stage", links[-1].origin, parts=parts)
        whole = Statement(links[-1].targets, Expr("{0}({1})", (member, source.args[1])), links[-1].origin, links[-1].hint)
        region.statements[first:end] = [whole]


def _called(statement: Statement) -> Member:
    assert isinstance(statement.expr, Expr)
    member = statement.expr.args[0]
    assert isinstance(member, Member)
    return member


def _is_link(region: Region, reading: _Reading, uses: Counter[Ref], k: int, *, first: bool) -> bool:
    expr = region.statements[k].expr
    if not isinstance(expr, Expr) or expr.template != "{0}({1})" or not isinstance(expr.args[0], Member):
        return False
    member = expr.args[0]
    if member.region is None or member.region.loop is not None or reading.member_uses[member] != 1:
        return False
    if first:
        return True
    before = region.statements[k - 1].targets[0]
    return expr.args[1] == before and uses[before] == 1
