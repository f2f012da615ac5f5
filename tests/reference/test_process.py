"""Programs that crash, hang or leave others behind."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from bridge.errors import ReferenceEvaluationError, ReferenceMissingError
from bridge.reference.process import Ended, run_until


def _run(folder: Path, code: str, seconds: float = 20) -> Ended:
    return run_until(
        [sys.executable, "-I", "-c", code],
        variables={"ONLY": "this"},
        folder=folder,
        log=folder / "log",
        seconds=seconds,
        descriptors=[],
    )


def test_a_program_that_ends_well_has_said_what_it_said(tmp_path: Path) -> None:
    ended = _run(tmp_path, "import sys; print('out'); print('err', file=sys.stderr)")
    assert ended.status == 0
    assert set(ended.last_lines.splitlines()) == {"out", "err"}


def test_a_crash_is_named_by_its_signal(tmp_path: Path) -> None:
    ended = _run(tmp_path, "import os, signal; print('last words', flush=True); os.kill(os.getpid(), signal.SIGSEGV)")
    assert ended.how() == "was killed by SIGSEGV"
    assert ended.last_lines == "last words"


def test_a_crash_inside_a_sandbox_is_named_as_well() -> None:
    assert Ended(139, "").how() == "was killed by SIGSEGV"
    assert Ended(1, "").how() == "ended with exit status 1"


def test_the_callers_variables_are_not_handed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "token")
    assert "SECRET" not in _run(tmp_path, "import os; print(sorted(os.environ))").last_lines


def test_a_program_that_hangs_is_stopped_with_its_children(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    child = f"import time; time.sleep(1.5); open({str(mark)!r}, 'w')"
    code = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {child!r}]); time.sleep(60)"
    started = time.monotonic()
    with pytest.raises(ReferenceEvaluationError, match=r"did not finish within 0\.5 s"):
        _run(tmp_path, code, seconds=0.5)
    assert time.monotonic() - started < 10
    time.sleep(1.5)
    assert not mark.exists()


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReferenceMissingError, match="/nonexistent/python"):
        run_until(["/nonexistent/python"], variables={}, folder=tmp_path, log=tmp_path / "log", seconds=1, descriptors=[])
