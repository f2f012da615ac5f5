"""What a process can reach, with bubblewrap and without: each is tried from inside."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

import bridge.reference
from bridge.reference.isolation import sandboxed
from bridge.reference.process import run_until

PREFIX = Path(sys.base_prefix)
PROBE = """
import json, os, pathlib, socket, sys
home, result = sys.argv[1:3]
def attempt(action):
    try:
        action()
    except OSError:
        return False
    return True
def connect():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
print(json.dumps({
    "network": attempt(connect),
    "interfaces": [name for _, name in socket.if_nameindex()],
    "reads_home": attempt(lambda: os.listdir(home)),
    "writes_prefix": attempt(lambda: open(os.path.join(sys.base_prefix, "probe"), "w")),
    "writes_result": attempt(lambda: open(os.path.join(result, "probe"), "w")),
    "processes": len([name for name in os.listdir("/proc") if name.isdigit()]),
}))
"""
CONFINE = """
import sys
sys.path.insert(0, sys.argv[3])
from cntk_side.confinement import confine
reached = confine({"memory_bytes": 8 << 30, "cpu_seconds": 60, "output_bytes": 1 << 20, "inside_bubblewrap": False}, sys.argv[2])
import json, resource
open(sys.argv[2] + "/allowed", "w").write("x")
try:
    open(sys.argv[1] + "/forbidden", "w")
    reached["wrote"] = True
except OSError:
    reached["wrote"] = False
reached["cores"] = resource.getrlimit(resource.RLIMIT_CORE)
print(json.dumps(reached))
"""


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path, Path]:
    """The user's home, the request, the result."""
    made = tmp_path / "home", tmp_path / "request", tmp_path / "result"
    for folder in made:
        folder.mkdir()
    return made


def _said(command: list[str], folder: Path, log: Path) -> dict[str, object]:
    ended = run_until(command, variables={"PATH": "/usr/bin"}, folder=folder, log=log, seconds=60, descriptors=[])
    assert ended.status == 0, ended.last_lines
    said: dict[str, object] = json.loads(ended.last_lines.splitlines()[-1])
    return said


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
def test_inside_bubblewrap_there_is_no_network_no_home_and_one_folder_to_write_to(folders: tuple[Path, Path, Path]) -> None:
    home, request, result = folders
    program = [str(Path(sys.executable).resolve()), "-I", "-c", PROBE, str(home), str(result)]
    command, inside = sandboxed(program, readable=[PREFIX], request=request, result=result)
    if not inside:
        pytest.skip("bubblewrap may not make namespaces here")
    said = _said(command, result, home / "log")
    assert said["interfaces"] == ["lo"]
    assert said == {
        "network": False,
        "interfaces": ["lo"],
        "reads_home": False,
        "writes_prefix": False,
        "writes_result": True,
        "processes": said["processes"],
    }
    assert isinstance(said["processes"], int)
    assert said["processes"] <= 3


def test_without_bubblewrap_a_process_confines_itself_and_says_how_far(folders: tuple[Path, Path, Path]) -> None:
    home, _, result = folders
    package = str(Path(bridge.reference.__file__).parent)
    said = _said([sys.executable, "-I", "-c", CONFINE, str(home), str(result), package], result, home / "log")
    assert (result / "allowed").exists()
    assert said["cores"] == [0, 0]
    # What a container or an old kernel does not let a process give up is reported, and reported rightly.
    assert said["wrote"] == (said["files"] == "open")
    assert (said["network"] == "none") == (said["interfaces"] in ([], ["lo"]))


def test_without_a_sandbox_the_command_stays_as_it_is(folders: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert sandboxed(["program"], readable=[], request=folders[1], result=folders[2]) == (["program"], False)
