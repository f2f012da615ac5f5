"""Clients that other people keep work unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.serve.peers import needs_peers, run_peer
from tests.serve.running import LENET, TAGGER, Running, example, loaded, models_for, running

SCRIPTS = Path(__file__).parent / "peers_side"
pytestmark = needs_peers


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running(models_for(LENET, TAGGER)) as one:
        yield one


def address(server: Running, carrier: str) -> str:
    return f"127.0.0.1:{server.http if carrier == 'http' else server.grpc}"


@pytest.mark.parametrize("carrier", ["http", "grpc"])
def test_tritons_client_works_unchanged(server: Running, carrier: str, tmp_path: Path) -> None:
    inputs = example(LENET, 2)
    np.save(tmp_path / "image.npy", inputs["image"])
    found = run_peer(SCRIPTS / "triton_client.py", carrier, address(server, carrier), LENET, "image", str(tmp_path / "image.npy"))
    expected = loaded(LENET).run(inputs)["z"]
    np.testing.assert_allclose(found["output"], expected, rtol=1e-5)
    np.testing.assert_allclose(found["again"], expected, rtol=1e-5)
    assert (found["live"], found["ready"], found["inputs"]) == (True, True, ["image"])
    assert found["refusal"] == "no model 'nobody'"


@pytest.mark.parametrize("carrier", ["http", "grpc"])
def test_kserves_client_works_unchanged(server: Running, carrier: str, tmp_path: Path) -> None:
    inputs = example(TAGGER, 2, 4)
    np.save(tmp_path / "words.npy", inputs["words"])
    found = run_peer(
        SCRIPTS / "kserve_client.py", carrier, address(server, carrier), TAGGER, "words", str(tmp_path / "words.npy")
    )
    assert (found["live"], found["ready"]) == (True, True)
    for output in found["outputs"]:
        np.testing.assert_allclose(output, loaded(TAGGER).run(inputs)["tags"], rtol=1e-4, atol=1e-6)
