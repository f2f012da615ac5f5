"""Every attempt is refused, for its reason, without a traceback, by the library and by the command; docs/tampering.md says so."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.cli.golden_folders import bridge
from tests.trust.tampering.attempt import ATTEMPTS, Attempt, refused_by, verify
from tests.trust.tampering.page import PAGE, row, written_page
from tests.trust.tampering.scene import Scene, make_scene

SUBJECTS = ("package", "source", "log")


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return make_scene(tmp_path_factory.mktemp("tampering") / "scene")


@pytest.fixture
def copy(scene: Scene, tmp_path: Path) -> Scene:
    return scene.copy_to(tmp_path / "copy")


@pytest.mark.parametrize("subject", SUBJECTS)
def test_what_nobody_tampered_with_is_accepted(copy: Scene, subject: str) -> None:
    verify(subject, copy)
    attempt = next(attempt for attempt in ATTEMPTS if attempt.subject == subject)
    finished = bridge(*attempt.command(copy))
    assert finished.exit_code == 0, finished.output


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: f"{attempt.subject}: {attempt.what}")
def test_attempt_is_refused_for_its_reason(copy: Scene, attempt: Attempt) -> None:
    attempt.act(copy)
    error = attempt.error(copy)
    assert (refused_by(error), attempt.says in str(error)) == (attempt.refused_by, True), error
    assert row(attempt, error, copy.folder) in PAGE.read_text(encoding="utf-8").splitlines()
    finished = bridge(*attempt.command(copy))
    assert finished.exit_code == 3, finished.output
    assert "Traceback" not in finished.output


_SAMPLE = [next(attempt for attempt in ATTEMPTS if attempt.subject == subject) for subject in SUBJECTS]


@pytest.mark.parametrize("attempt", _SAMPLE, ids=lambda attempt: f"{attempt.subject}: {attempt.what}")
def test_attempt_is_refused_by_the_real_command(copy: Scene, attempt: Attempt) -> None:
    attempt.act(copy)
    program = "from bridge.cli import main; main()"
    command = [sys.executable, "-c", program, *(str(argument) for argument in attempt.command(copy))]
    finished = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, cwd=Path(__file__).parents[3])
    assert finished.returncode == 3, finished.stderr
    assert "Traceback" not in finished.stdout + finished.stderr
    assert finished.stdout + finished.stderr


def test_every_attempt_has_a_name_of_its_own() -> None:
    names = Counter((attempt.subject, attempt.what) for attempt in ATTEMPTS)
    assert [name for name, count in names.items() if count > 1] == []
    assert len(ATTEMPTS) >= 40


def test_page_holds_every_attempt_and_no_other() -> None:
    page = PAGE.read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith(("| attempt", "| ---"))]
    assert [line.split(" | ")[0].removeprefix("| ") for line in rows] == [
        attempt.what for subject in SUBJECTS for attempt in ATTEMPTS if attempt.subject == subject
    ]
    counts = Counter(attempt.subject for attempt in ATTEMPTS)
    taken = iter(rows)
    assert page == written_page({subject: [next(taken) for _ in range(counts[subject])] for subject in SUBJECTS})
