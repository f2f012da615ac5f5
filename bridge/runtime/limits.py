"""Every bound of the runtime, with its unit in its name: on what a model may state, and on what a call may take."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ModelLimits:
    """Bounds on a converted model, checked before the engine sees it, and far above what our converter writes.

    ``opsets`` and ``ir_versions`` are the least and the greatest admitted, inclusive.
    """

    model_bytes: int = (1 << 31) - 1  # protobuf's own bound
    external_bytes: int = 64 << 30
    fields: int = 5_000_000  # of protobuf, numbers in attributes among them
    messages: int = 1_000_000  # of protobuf: nodes, tensors, attributes, extents; each takes some 20 µs and 350 bytes
    wire_depth: int = 40  # messages in messages; a graph inside a graph takes 4
    graph_depth: int = 8  # bodies of Loop, Scan and If, one in another
    nodes: int = 200_000  # of all graphs together, as written
    expanded_nodes: int = 200_000  # with every call of a local function in place of its name
    functions: int = 0  # our converter writes none
    initializers: int = 200_000
    values: int = 1_000_000  # names of all graphs together
    attributes_per_node: int = 64
    inputs_per_node: int = 4096
    text_bytes: int = 1 << 20  # of one string
    name_bytes: int = 4096
    rank: int = 32
    tensor_elements: int = 1 << 40
    loop_trips: int = 65_536  # of a Loop, and of a Scan over an axis whose extent is stated
    nested_trips: int = 10_000_000  # of loops in loops, multiplied
    made_bytes: int = 2 << 30  # of what one operator makes, for the smallest inputs that the interface admits
    declared_operators: frozenset[str] = frozenset()  # admitted besides the converter's own, as in Loop
    opsets: tuple[int, int] = (17, 22)
    ir_versions: tuple[int, int] = (8, 11)


@dataclass(frozen=True, slots=True)
class RuntimeLimits:
    """How a model is run. ``None`` takes the engine's default, or the limit that the signed interface states.

    ``intra_op_threads`` share the work of one operator; ``concurrent_runs`` is how many calls may be inside the engine at once,
    ``waiting_runs`` how many more may wait for their turn; ``finite_outputs`` refuses answers with NaN or infinity.
    """

    model: ModelLimits = field(default_factory=ModelLimits)
    intra_op_threads: int | None = None
    inter_op_threads: int | None = None
    concurrent_runs: int = 4
    waiting_runs: int = 64
    run_seconds: float | None = None
    load_seconds: float = 120.0
    input_bytes: int | None = None
    output_bytes: int | None = None
    finite_outputs: bool = False
    warm_up: bool = True
    providers: tuple[str, ...] = ("CPUExecutionProvider",)


DEFAULT_RUNTIME_LIMITS = RuntimeLimits()
