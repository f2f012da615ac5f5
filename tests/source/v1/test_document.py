"""The sections of a file, and what is refused in them: each with its offset and field."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from bridge.errors import BridgeError, InvalidGraphError, InvalidModelError, LimitExceededError, SourceError
from bridge.limits import DEFAULT_LIMITS
from tests.source.v1.bcn_writer import BcnFile, u32, u64, wide
from tests.source.v1.networks import producer, read, recurrent, root_names


def tiny(version: int = 31) -> BcnFile:
    """One input and one operator."""
    file = BcnFile(version)
    file.input("x", 2)
    file.node("Sigmoid", "y", inputs=("x",))
    return file


def test_every_truncation_is_refused_with_its_offset() -> None:
    data = tiny().build()

    for end in range(len(data)):
        with pytest.raises(SourceError) as refusal:
            read(data[:end])
        assert refusal.value.offset is not None
        assert refusal.value.offset <= end


def test_bytes_after_the_end_are_refused() -> None:
    data = tiny().build()

    with pytest.raises(InvalidModelError, match=rf"bytes after the end of the model at offset {len(data)} .*found 3 more bytes"):
        read(data + b"abc")


def test_a_missing_marker_is_refused_at_its_place() -> None:
    data = tiny().build()
    at = data.index(wide("ENodeList"))

    with pytest.raises(InvalidModelError, match=rf"offset {at} .*expected 'ENodeList'; found 'XNodeList'"):
        read(data[:at] + b"X" + data[at + 1 :])


@pytest.mark.parametrize("number", [3, 1 << 40, (1 << 64) - 1])
def test_more_nodes_than_the_file_could_hold_are_refused(number: int) -> None:
    file = tiny()
    data = file.head() + u64(number) + file.node_list()[8:] + file.relation_list() + file.root_list()

    with pytest.raises((InvalidModelError, LimitExceededError)):
        read(data)


def test_a_number_of_nodes_beyond_the_rest_of_the_file_is_refused_before_any_is_read() -> None:
    file = tiny()

    with pytest.raises(InvalidModelError, match=r"count exceeds the rest of the file .*nodeCount.* found 1000000"):
        read(file.head() + u64(1_000_000) + file.node_list()[8:])


def test_more_nodes_than_the_limits_allow_are_refused() -> None:
    limits = replace(DEFAULT_LIMITS, functions=1, variables=0)

    with pytest.raises(LimitExceededError, match="too many nodes"):
        read(tiny(), limits)


def test_more_functions_than_the_limits_allow_are_refused() -> None:
    with pytest.raises(LimitExceededError, match="too many functions"):
        read(recurrent(), replace(DEFAULT_LIMITS, functions=3))


@pytest.mark.parametrize("number", [1 << 20, (1 << 64) - 1])
def test_a_number_of_inputs_beyond_the_file_or_the_limits_is_refused(number: int) -> None:
    file = tiny()
    relation = wide("BRelation") + wide("y") + u64(number) + wide("x")

    with pytest.raises(SourceError, match="inputCount"):
        read(file.head() + file.node_list() + relation + wide("ERelation") + file.root_list())


def test_a_group_beyond_the_file_is_refused() -> None:
    file = tiny()
    groups = wide("BRootNodes") + wide("BFeatureNodes") + u64(1_000_000) + wide("x")

    with pytest.raises(InvalidModelError, match=r"root nodes\.feature"):
        read(file.head() + file.node_list() + file.relation_list() + groups)


def test_a_name_without_an_end_is_refused() -> None:
    with pytest.raises(InvalidModelError, match="a string has no end"):
        read(tiny().head() + u64(1) + wide("BNodeList") + b"f\0" * 40)


def test_a_name_beyond_the_limit_is_refused() -> None:
    file = BcnFile()
    file.input("x" * 5000, 1)

    with pytest.raises(LimitExceededError, match="string length"):
        read(file)


def test_a_name_as_long_as_the_limit_is_read() -> None:
    file = BcnFile()
    file.input("x" * 4096, 1)
    file.node("Abs", "y", inputs=("x" * 4096,))

    assert "x" * 4096 in read(file).variables


def test_a_name_with_half_a_surrogate_pair_is_escaped() -> None:
    file = tiny()
    data = file.build().replace(wide("y"), b"\x00\xd8\0\0")

    model = read(data)

    assert producer(model, "\\x00\\xd8").op == "Sigmoid"
    str(model).encode()


def test_two_nodes_of_one_name_are_refused() -> None:
    file = tiny()
    file.node("Tanh", "y", inputs=("x",))

    with pytest.raises(InvalidModelError, match="two nodes of one name"):
        read(file)


def test_inputs_stated_twice_are_refused() -> None:
    file = tiny()
    file.relations[0] = ("y", ("x",))

    with pytest.raises(InvalidModelError, match="the inputs of one node are stated twice"):
        read(file)


@pytest.mark.parametrize("relation", [("y", ("nobody",)), ("nobody", ())])
def test_a_relation_of_an_unknown_node_is_refused(relation: tuple[str, tuple[str, ...]]) -> None:
    file = tiny()
    file.relations[1] = relation

    with pytest.raises(InvalidModelError, match=r"a name that no node has .*found 'nobody'"):
        read(file)


def test_a_group_of_an_unknown_node_is_refused() -> None:
    file = tiny()
    file.group("output", "nobody")

    with pytest.raises(InvalidModelError, match=r"a name that no node has .*root nodes\.output"):
        read(file)


def test_an_unknown_operator_is_refused_by_name() -> None:
    file = tiny()
    file.node("Frobnicate", "z", inputs=("x",))

    with pytest.raises(InvalidModelError, match=r"an operator that CNTK does not have .*found 'Frobnicate'"):
        read(file)


@pytest.mark.parametrize("precision", ["quad", "float,float", "float,double,float", "half,quad", "float,"])
def test_an_unknown_precision_is_refused(precision: str) -> None:
    file = tiny()
    file.nodes[0] = (*file.nodes[0][:3], precision)

    with pytest.raises(InvalidModelError, match="a precision that CNTK does not have"):
        read(file)


def test_a_pair_of_precisions_is_refused_before_version_31() -> None:
    file = tiny(30)
    file.nodes[1] = (*file.nodes[1][:3], "float,double")

    with pytest.raises(InvalidModelError, match="a precision that CNTK does not have"):
        read(file)


def test_a_cycle_without_a_delay_is_refused() -> None:
    file = tiny()
    file.node("Plus", "a", inputs=("x", "b"))
    file.node("Abs", "b", inputs=("a",))

    with pytest.raises(InvalidGraphError, match="cycle that passes no PastValue or FutureValue"):
        read(file)


def test_a_node_that_reads_itself_is_refused() -> None:
    file = tiny()
    file.node("Plus", "a", inputs=("x", "a"))

    with pytest.raises(InvalidGraphError, match="cycle"):
        read(file)


@pytest.mark.parametrize(("op", "inputs"), [("Plus", ("x",)), ("Abs", ("x", "x")), ("RowStack", ()), ("Clip", ("x", "x"))])
def test_a_wrong_number_of_inputs_is_refused(op: str, inputs: tuple[str, ...]) -> None:
    file = tiny(2)
    file.node(op, "z", inputs=inputs)

    with pytest.raises(InvalidGraphError, match=f"node 'z': {op}: expected .* found {len(inputs)}"):
        read(file)


def test_a_leaf_with_inputs_is_refused() -> None:
    file = tiny()
    file.relations[0] = ("x", ("y",))

    with pytest.raises(InvalidGraphError, match="InputValue: expected 0 inputs, found 1"):
        read(file)


def test_a_model_that_computes_nothing_is_refused() -> None:
    file = BcnFile()
    file.input("x", 2)

    with pytest.raises(InvalidGraphError, match="no node that computes anything"):
        read(file)


def test_groups_are_read_in_their_old_spellings() -> None:
    file = tiny()
    groups = b"".join(
        [
            *(wide("BRootNodes"), wide("BLabelNodes"), u64(1), wide("x"), wide("ELabelNodes")),
            *(wide("BCriteriaNodes"), u64(1), wide("y"), wide("ECriteriaNodes")),
            *(wide("BNodesReqMultiSeqHandling"), u64(1), wide("anything"), wide("ENodesReqMultiSeqHandling")),
            *(wide("BPairNodes"), u64(0), wide("EPairNodes"), wide("ERootNodes"), wide("ECN")),
        ]
    )

    assert root_names(read(file.head() + file.node_list() + file.relation_list() + groups)) == ["y"]


def test_pair_nodes_are_refused() -> None:
    file = tiny()
    groups = wide("BRootNodes") + wide("ELabelNodes") + wide("BPairNodes") + u64(1) + wide("x")

    with pytest.raises(InvalidModelError, match="pair nodes"):
        read(file.head() + file.node_list() + file.relation_list() + groups)


def test_a_missing_end_of_the_label_group_is_refused() -> None:
    file = tiny()
    groups = wide("BRootNodes") + wide("ERootNodes") + wide("ECN")

    with pytest.raises(InvalidModelError, match="expected 'ELabelNodes'"):
        read(file.head() + file.node_list() + file.relation_list() + groups)


def test_a_single_changed_byte_never_raises_anything_else_than_a_refusal() -> None:
    data = tiny().build()

    for at, value in itertools.product(range(len(data)), (0x00, 0x01, 0x7F, 0xFF)):
        changed = bytearray(data)
        changed[at] = value
        try:
            model = read(bytes(changed))
        except BridgeError:
            continue
        assert model.format == "v1"


def test_a_hostile_name_is_escaped_in_the_error() -> None:
    file = tiny()
    file.node("Abs", "a\n\u202eb", inputs=("x", "x"))

    with pytest.raises(InvalidGraphError) as refusal:
        read(file)

    assert str(refusal.value).isprintable()


def test_a_hostile_name_is_reported() -> None:
    file = tiny()
    file.node("Abs", "a\u202eb", inputs=("x",))

    (hazard,) = read(file).hazards

    assert hazard.kind == "unprintable-name"
    assert hazard.detail.isprintable()


def test_a_rank_beyond_the_limit_is_refused() -> None:
    file = BcnFile()
    file.node("Reshape", "r", u32(1), u32(0), u32(1_000_000_000), inputs=("r",))

    with pytest.raises(LimitExceededError, match=r"too many dimensions .*Reshape 'r'\.shape"):
        read(file)


def test_an_input_of_more_elements_than_the_limit_is_refused() -> None:
    file = BcnFile()
    file.input("x", 0xFFFFFFFF, 0xFFFFFFFF)

    with pytest.raises(LimitExceededError, match="too many tensor elements"):
        read(file)
