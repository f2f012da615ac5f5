"""Which nodes have values of rank 0, which v1's Times takes for factors."""

from __future__ import annotations

from collections import deque

from bridge.source.v1.mapping.leaves import INPUT_OPERATORS, input_shape
from bridge.source.v1.raw import RawModel, RawNode

_ELEMENT_WISE = frozenset(
    """
    Abs Acos Asin Asinh Atan Atanh Cast Clip Cosh Cosine Dropout ElementTimes Equal Exp ExponentialLinearUnit Floor
    Greater GreaterEqual Hardmax If Less LessEqual Log LogPlus LogSoftmax Minus Negate NotEqual Pass Plus Pow Reciprocal
    RectifiedLinear ReduceElements Sigmoid Sin Sinh Softmax Sqrt StableSigmoid StopGradient StraightThrough Tan Tanh Times Trace
    """.split()
)
_ALWAYS_SCALAR = frozenset(
    """
    ClassificationError CosDistance CrossEntropy CrossEntropyWithSoftmax EditDistanceError ForwardBackward LambdaRank Logistic
    MatrixL1Reg MatrixL2Reg NDCG1Eval SquareError SumElements Where
    """.split()
)
_DELAYS = frozenset({"PastValue", "FutureValue"})
_DATA_POSITION = {"ReconcileDynamicAxis": 0, "GatherPacked": 1, "ScatterPacked": 2}


def scalar_nodes(raw: RawModel) -> frozenset[str]:
    """Names of the nodes whose value certainly has rank 0."""
    waiting: dict[str, int] = {}
    readers: dict[str, list[str]] = {}
    ready: deque[str] = deque()
    for name, node in raw.nodes.items():
        sources = _sources(node)
        if sources is None:
            continue
        if not sources:
            ready.append(name)
            continue
        waiting[name] = len(sources)
        for source in sources:
            readers.setdefault(source, []).append(name)
    found: set[str] = set()
    while ready:
        name = ready.popleft()
        found.add(name)
        for reader in readers.get(name, ()):
            waiting[reader] -= 1
            if waiting[reader] == 0:
                ready.append(reader)
    return frozenset(found)


def _sources(node: RawNode) -> tuple[str, ...] | None:
    """The inputs that must have rank 0 for the node to have it; none where it does anyway; ``None`` where it does not."""
    if node.op in _ALWAYS_SCALAR:
        return ()
    if node.op in _ELEMENT_WISE and node.inputs:
        return node.inputs
    if node.op in _DATA_POSITION and len(node.inputs) > _DATA_POSITION[node.op]:
        return (node.inputs[_DATA_POSITION[node.op]],)
    if node.op in INPUT_OPERATORS:
        return None if input_shape(node) else ()
    if node.op == "LearnableParameter" or node.op in _DELAYS:
        return () if node.fields.get("shape") == () else None
    if node.op == "Reshape":
        whole = node.integer("beginAxis") <= 1 and node.integer("endAxis") <= 0
        return () if whole and not node.integers("shape") else None
    return None
