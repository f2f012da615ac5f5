"""Small models, good and hostile. Admission refuses the hostile ones; here they reach the workers, the second line of defence."""

import onnx
from onnx import TensorProto, helper

FLOAT = TensorProto.FLOAT


def bytes_of(nodes: list[onnx.NodeProto], *, functions: list[onnx.FunctionProto] | None = None) -> bytes:
    """A model from ``x`` to ``y``, both float32 [N, 4], and one number that says which way to go."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", FLOAT, ["N", 4])],
        [helper.make_tensor_value_info("y", FLOAT, ["N", 4])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8, functions=functions or []).SerializeToString()


def squares() -> bytes:
    return bytes_of([helper.make_node("Mul", ["x", "x"], ["y"])])


def shifted_by_a_file(location: str, elements: int) -> bytes:
    """``x`` plus the first 4 numbers of a file beside the model, of ``elements`` float32."""
    shift = TensorProto(name="shift", data_type=FLOAT, dims=[elements // 4, 4], data_location=TensorProto.EXTERNAL)
    for key, value in (("location", location), ("offset", "0"), ("length", str(4 * elements))):
        shift.external_data.add(key=key, value=value)
    nodes = [
        scalar("zero", 0),
        helper.make_node("Gather", ["shift", "zero"], ["first"]),
        helper.make_node("Add", ["x", "first"], ["y"]),
    ]
    model = onnx.load_from_string(bytes_of(nodes))
    model.graph.initializer.append(shift)
    return bytes(model.SerializeToString())


def constant(name: str, values: list[int]) -> onnx.NodeProto:
    return helper.make_node("Constant", [], [name], value=helper.make_tensor(name, TensorProto.INT64, [len(values)], values))


def scalar(name: str, value: int, kind: int = TensorProto.INT64) -> onnx.NodeProto:
    return helper.make_node("Constant", [], [name], value=helper.make_tensor(name, kind, [], [value]))


def when_negative(hostile: onnx.GraphProto) -> bytes:
    """Squares for inputs whose sum is not negative, and ``hostile`` (output ``done``, float32 [N, 4]) for others."""
    good = helper.make_graph(
        [helper.make_node("Mul", ["x", "x"], ["done"])], "good", [], [helper.make_tensor_value_info("done", FLOAT, None)]
    )
    return bytes_of(
        [
            helper.make_node("ReduceSum", ["x"], ["sum"], keepdims=0),
            helper.make_node("Constant", [], ["zero"], value=helper.make_tensor("zero", FLOAT, [], [0.0])),
            helper.make_node("Less", ["sum", "zero"], ["negative"]),
            helper.make_node("If", ["negative"], ["y"], then_branch=hostile, else_branch=good),
        ]
    )


def _branch(nodes: list[onnx.NodeProto]) -> onnx.GraphProto:
    return helper.make_graph(nodes, "hostile", [], [helper.make_tensor_value_info("done", FLOAT, None)])


def filled(size: int) -> list[onnx.NodeProto]:
    """A square matrix ``big`` of ``size`` made at run time, of 4 size² bytes. It depends on x, so that nothing is folded."""
    return [
        constant("extents", [size, size]),
        helper.make_node("ReduceMax", ["x"], ["most"], keepdims=0),
        helper.make_node("Expand", ["most", "extents"], ["big"]),
    ]


def mixed() -> bytes:
    """All of them in one: the first number of ``x`` says which, -1 the endless loop, -2 the long operator, -3 the allocation."""
    ways = {-1.0: _endless_nodes(), -2.0: _long_nodes(8000), -3.0: _large_nodes()}
    chosen = _branch([helper.make_node("Mul", ["x", "x"], ["done"])])
    for number, nodes in ways.items():
        test = [
            helper.make_node("Constant", [], [f"number{number}"], value=helper.make_tensor("number", FLOAT, [], [number])),
            helper.make_node("Equal", ["first", f"number{number}"], [f"is{number}"]),
            helper.make_node("If", [f"is{number}"], ["done"], then_branch=_branch(nodes), else_branch=chosen),
        ]
        chosen = _branch(test)
    top = [helper.make_node("ReduceMin", ["x"], ["first"], keepdims=0)]
    always = helper.make_node("If", ["always"], ["y"], then_branch=chosen, else_branch=chosen)
    return bytes_of([*top, scalar("always", 1, TensorProto.BOOL), always])


def one_long_operator(size: int = 8000) -> bytes:
    """A single product of matrices that takes half a minute, which the engine's own stop does not interrupt."""
    return when_negative(_branch(_long_nodes(size)))


def _long_nodes(size: int) -> list[onnx.NodeProto]:
    end = [
        helper.make_node("MatMul", ["big", "big"], ["product"]),
        helper.make_node("ReduceMax", ["product"], ["top"], keepdims=0),
        helper.make_node("Add", ["x", "top"], ["done"]),
    ]
    return [*filled(size), *end]


def large_allocation() -> bytes:
    """6.4 GB in one tensor."""
    return when_negative(_branch(_large_nodes()))


def _large_nodes() -> list[onnx.NodeProto]:
    end = [helper.make_node("ReduceMax", ["big"], ["top"], keepdims=0), helper.make_node("Add", ["x", "top"], ["done"])]
    return [*filled(40_000), *end]


def endless_loop() -> bytes:
    return when_negative(_branch(_endless_nodes()))


def _endless_nodes() -> list[onnx.NodeProto]:
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["go_on"]), helper.make_node("Add", ["v", "v"], ["v_next"])],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("v", FLOAT, None),
        ],
        [helper.make_tensor_value_info("go_on", TensorProto.BOOL, []), helper.make_tensor_value_info("v_next", FLOAT, None)],
    )
    return [
        scalar("trips", 2**62),
        scalar("true", 1, TensorProto.BOOL),
        helper.make_node("Loop", ["trips", "true", "x"], ["done"], body=body),
    ]


def load_bomb(doublings: int = 24) -> bytes:
    """Functions that call each other twice: 2^24 operators in 2 kB, which the engine expands when it loads them."""
    opset = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    functions = [helper.make_function("local", "f0", ["a"], ["b"], [helper.make_node("Neg", ["a"], ["b"])], opset)]
    for level in range(1, doublings + 1):
        twice = [
            helper.make_node(f"f{level - 1}", ["a"], ["c"], domain="local"),
            helper.make_node(f"f{level - 1}", ["c"], ["b"], domain="local"),
        ]
        functions.append(helper.make_function("local", f"f{level}", ["a"], ["b"], twice, opset))
    return bytes_of([helper.make_node(f"f{doublings}", ["x"], ["y"], domain="local")], functions=functions)
