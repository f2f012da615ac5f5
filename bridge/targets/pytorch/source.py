"""Writes regions as Python classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bridge.targets.pytorch.expression import Expr, Ref, render
from bridge.targets.pytorch.layout import laid_out
from bridge.targets.pytorch.members import BUFFER, MODULE, PARAMETER, Member
from bridge.targets.pytorch.naming import member_names, value_names
from bridge.targets.pytorch.program import Region, Statement

_POSITIONAL = frozenset(
    {"in_channels", "out_channels", "in_features", "out_features", "num_features", "num_embeddings", "embedding_dim", "p"}
    | {"input_size", "hidden_size"}
)


class ClassSource:
    """The text of one class."""

    def __init__(self, region: Region, class_names: dict[Region, str], losses: Mapping[str, str] | None = None) -> None:
        self.region = region
        self.class_names = class_names
        self.losses = losses or {}  # output -> function
        self.members = member_names(region)
        results = dict(zip(region.results, region.outputs, strict=True)) if region.outputs else {}
        self.values = value_names(region, results)
        self._typed: set[str] = set()

    def lines(self) -> Iterator[str]:
        """The class, line by line."""
        name = self.class_names[self.region]
        yield f"class {name}(nn.Module):"
        doc = self.region.doc or "A part of the model."
        yield f'    """{doc}"""'
        yield ""
        attributes = list(self._attributes())
        yield from attributes
        if attributes:
            yield ""
        constructor = list(self._constructor())
        if constructor:
            yield from constructor
            yield ""
        yield from self._forward()

    # --- what the class holds ---------------------------------------------------------------------------------------------------

    def _attributes(self) -> Iterator[str]:
        if self.region.outputs:
            ranks = ", ".join(f"{_quoted(name)}: {rank}" for name, rank in self.region.input_ranks.items())
            yield from laid_out(f"input_ranks: ClassVar[dict[str, int]] = {{{ranks}}}", 4)
            if self.losses:
                items = ", ".join(f"{_quoted(output)}: {function}" for output, function in self.losses.items())
                yield from laid_out(f"losses: ClassVar[dict[str, Callable[..., Tensor]]] = {{{items}}}", 4)
        for member, name in self.members.items():
            if member.kind == BUFFER:
                yield f"    {name}: Tensor"

    def _constructor(self) -> Iterator[str]:
        if not self.members:
            return
        arguments = "".join(f", {name}: int" for name in self.region.parameters)
        yield from laid_out(f"def __init__(self{arguments}) -> None:", 4)
        yield "        super().__init__()"
        for member, name in self.members.items():
            yield from laid_out(self._construction(member, name), 8)
            yield from self._freezing(member, name)

    def _construction(self, member: Member, name: str) -> str:
        if member.kind == MODULE:
            return f"self.{name} = {self._call(member)}"
        sizes = ", ".join(str(value) for _, value in member.arguments) or "()"
        dtype = "" if member.dtype == "torch.float32" else f", dtype={member.dtype}"
        made = f"torch.empty({sizes}{dtype})"
        if member.kind == BUFFER:
            return f'self.register_buffer("{name}", {made})'
        frozen = "" if member.tensors[""].trainable else ", requires_grad=False"
        return f"self.{name} = nn.Parameter({made}{frozen})"

    def _call(self, member: Member) -> str:
        """What makes the module."""
        if member.parts:
            return f"nn.Sequential({', '.join(self._call(part) for part in member.parts)})"
        constructor = self.class_names[member.region] if member.region is not None else member.constructor
        return f"{constructor}({self._arguments(member)})"

    @staticmethod
    def _arguments(member: Member) -> str:
        shown = []
        for position, (name, value) in enumerate(member.arguments):
            plain = member.region is not None or (name in _POSITIONAL and position < 2)
            if plain:
                shown.append(str(value))
            else:
                shown.append(f"{name}={value}")
        return ", ".join(shown)

    @staticmethod
    def _freezing(member: Member, name: str) -> Iterator[str]:
        """Parameters that CNTK would not train. Statistics are no parameters to begin with."""
        if member.kind != MODULE:
            return
        own = {key: t for key, t in member.tensors.items() if not key.startswith(("running_", "num_batches"))}
        frozen = [key for key, tensor in own.items() if not tensor.trainable]
        if frozen and len(frozen) == len(own):
            yield f"        self.{name}.requires_grad_(False)"
        else:
            for key in frozen:
                yield f"        self.{name}.{key}.requires_grad_(False)"

    # --- what it does -----------------------------------------------------------------------------------------------------------

    def _forward(self) -> Iterator[str]:
        region = self.region
        arguments = self._declared_arguments()
        if region.others:
            arguments.append("**inputs: Tensor")
        kind = "dict[str, Tensor]" if region.outputs else self._result_type()
        yield from laid_out(f"def forward(self, {', '.join(arguments)}) -> {kind}:".replace("(self, )", "(self)"), 4)
        for name, ref in region.others.items():
            self._typed.add(self.values[ref])
            given = f"inputs.get({_quoted(name)})" if ref in region.optional else f"inputs[{_quoted(name)}]"
            yield from laid_out(f"{self.values[ref]} = {given}", 8)
        if region.loop is not None:
            yield from self._loop()
            return
        if not region.outputs and self._returns_at_once():
            for statement in region.statements[:-1]:
                yield from self._statement(statement, 8)
            yield from laid_out(f"return {self.text(region.statements[-1].expr)}", 8)
            return
        for statement in region.statements:
            yield from self._statement(statement, 8)
        names = [self.values[ref] for ref in region.results]
        if region.outputs:
            items = ", ".join(f"{_quoted(key)}: {name}" for key, name in zip(region.outputs, names, strict=True))
            yield from laid_out(f"return {{{items}}}", 8)
        else:
            yield f"        return {', '.join(names)}"

    def _declared_arguments(self) -> list[str]:
        """The arguments that Python can name, with their types."""
        declared = []
        for ref in self.region.arguments:
            if ref in self.region.others.values():
                continue
            given = " | None = None" if ref in self.region.optional else ""
            declared.append(f"{self.values[ref]}: Tensor{given}")
            self._typed.add(self.values[ref])
        return declared

    def _returns_at_once(self) -> bool:
        """Whether the last statement makes the one result, of a type that a type checker knows: calls of modules have none."""
        last = self.region.statements[-1] if self.region.statements else None
        known = last is not None and isinstance(last.expr, Expr) and not last.expr.template.startswith("{0}(")
        return known and last is not None and list(last.targets) == self.region.results

    def _result_type(self) -> str:
        count = len(self.region.results)
        if self.region.loop is not None:
            count = len(self.region.loop.finals) + len(self.region.loop.collected)
        return "Tensor" if count == 1 else f"tuple[{', '.join(['Tensor'] * count)}]"

    def _statement(self, statement: Statement, indent: int) -> Iterator[str]:
        text = self.text(statement.expr)
        targets = [self.values[ref] for ref in statement.targets]
        called = isinstance(statement.expr, Expr) and statement.expr.template.startswith("{0}(")
        annotation = ": Tensor" if called and len(targets) == 1 and targets[0] not in self._typed else ""
        self._typed.update(targets)
        if text != ", ".join(targets):
            yield from laid_out(f"{', '.join(targets)}{annotation} = {text}", indent)

    def text(self, expr: Ref | Expr | Member) -> str:
        """An expression in this class's own names."""
        return render(expr, self._named)[0]

    def _named(self, leaf: Ref | Member) -> tuple[str, int]:
        return (f"self.{self.members[leaf]}" if isinstance(leaf, Member) else self.values[leaf]), 8

    def _loop(self) -> Iterator[str]:
        """The steps of a recurrence."""
        loop = self.region.loop
        assert loop is not None
        kept = ["steps" if k == 0 else f"steps{k + 1}" for k in range(len(loop.collected))]
        for name in kept:
            yield f"        {name} = []"
        sources = [f"{self.values[ref]}.unbind({loop.axis})" for ref in loop.scanned]
        slices = ", ".join(self.values[ref] for ref in loop.slices)
        together = sources[0] if len(sources) == 1 else f"zip({', '.join(sources)}, strict=True)"
        if loop.reverse:
            together = f"reversed({together})" if len(sources) == 1 else f"reversed(list({together}))"
        yield from laid_out(f"for {slices} in {together}:", 8)
        for statement in self.region.statements:
            yield from self._statement(statement, 12)
        for name, ref in zip(kept, loop.collected, strict=True):
            yield f"            {name}.append({self.values[ref]})"
        changed = [
            (self.values[a], self.values[b])
            for a, b in zip(loop.states, loop.updates, strict=True)
            if self.values[a] != self.values[b]
        ]
        if changed:
            yield from laid_out(f"{', '.join(a for a, _ in changed)} = {', '.join(b for _, b in changed)}", 12)
        order = "[::-1]" if loop.reverse else ""
        dim = f", dim={loop.stacked}" if loop.stacked else ""
        results = [self.values[loop.states[k]] for k in loop.finals] + [f"torch.stack({name}{order}{dim})" for name in kept]
        yield from laid_out(f"return {', '.join(results)}", 8)


class FunctionSource(ClassSource):
    """The text of one function: a region without members."""

    def __init__(self, region: Region, name: str) -> None:
        super().__init__(region, {})
        self.name = name

    def lines(self) -> Iterator[str]:
        """The function, line by line."""
        region = self.region
        yield from laid_out(f"def {self.name}({', '.join(self._declared_arguments())}) -> Tensor:", 0)
        yield f'    """{region.doc}"""'
        *before, last = region.statements
        for statement in before:
            yield from self._statement(statement, 4)
        yield from laid_out(f"return {self.text(last.expr)}", 4)


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def state_dict(region: Region, members: Mapping[Member, Member], prefix: str = "") -> Iterator[tuple[str, Member, str]]:
    """The names of all tensors: name, member, and the tensor's name in it. ``members`` stand in for those of the region."""
    for own, name in member_names(region).items():
        yield from _tensors_of(members.get(own, own), members, f"{prefix}{name}")


def _tensors_of(member: Member, members: Mapping[Member, Member], path: str) -> Iterator[tuple[str, Member, str]]:
    for number, part in enumerate(member.parts):
        yield from _tensors_of(members.get(part, part), members, f"{path}.{number}")
    if member.region is not None:
        # What stands in for a class's members may itself be stood in for, where the module is part of a class.
        inner = {own: members.get(actual, actual) for own, actual in (member.inner or {}).items()}
        yield from state_dict(member.region, inner, f"{path}.")
    for key in member.tensors:
        yield (f"{path}.{key}" if member.kind == MODULE else path), member, key


__all__ = ["BUFFER", "PARAMETER", "ClassSource", "FunctionSource", "state_dict"]
