"""What is broken is called broken, and what is merely absent is not."""

import os
import subprocess
import sys
from pathlib import Path

from bridge.diagnosis.finding import Finding, State
from bridge.diagnosis.packages import _package
from bridge.diagnosis.sandbox import landlock_abi, memory_can_be_sealed, seccomp_actions

ROOT = Path(__file__).parents[2]


def test_only_what_is_needed_or_broken_fails() -> None:
    def fails(state: State, *, required: bool) -> bool:
        return Finding("area", "name", state, "", required=required).fails

    assert [fails(state, required=True) for state in State] == [False, True, True]
    assert [fails(state, required=False) for state in State] == [False, False, True]


def test_absent_library_is_missing_with_the_way_to_get_it() -> None:
    finding = _package("no-such-library", "no_such_library", "torch")
    assert (finding.state, finding.advice) == (State.MISSING, "pip install 'cntk-bridge[torch]' if you need it")


def test_library_that_cannot_be_imported_is_broken(tmp_path: Path) -> None:
    """A yaml that raises, in front of the real one: the examination says so and goes on."""
    (tmp_path / "yaml.py").write_text("raise OSError('libyaml.so: cannot open shared object file')\n")
    program = (
        "from bridge.diagnosis.packages import examine_packages\n"
        "for finding in examine_packages():\n    print(finding.name, finding.state, finding.detail)"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    finished = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    (line,) = [line for line in finished.stdout.splitlines() if line.startswith("pyyaml")]
    assert "broken" in line
    assert "importing it fails: OSError: libyaml.so" in line
    assert "cryptography works" in finished.stdout


def test_kernel_answers_without_being_changed() -> None:
    assert landlock_abi() == landlock_abi() >= 0
    assert "allow" in seccomp_actions() or seccomp_actions() == frozenset()
    assert memory_can_be_sealed()  # bridge.sealed needs it, and every conversion needs that.
