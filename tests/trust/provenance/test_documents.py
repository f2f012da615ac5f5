"""docs/provenance.md says what is so."""

import re
import shutil
import subprocess
from pathlib import Path

from bridge.trust.provenance.converter import converter_resource
from bridge.trust.provenance.description import read_description
from tests.cli.golden_folders import bridge

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "provenance.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def test_description_on_the_page_fits_its_schema(tmp_path: Path) -> None:
    (example,) = blocks("yaml")
    (tmp_path / "model.yaml").write_text(example, encoding="utf-8")
    assert read_description(tmp_path / "model.yaml").model["version"] == "1.4"


def test_digest_of_the_converter_is_what_the_command_prints() -> None:
    (command,) = blocks("sh")
    shell = shutil.which("sh")
    assert shell is not None
    finished = subprocess.run([shell, "-c", command], check=True, cwd=ROOT, capture_output=True, text=True)
    assert finished.stdout.split()[0] == converter_resource().sha256


def test_options_of_the_commands_on_the_page_exist() -> None:
    (session,) = blocks("console")
    for command in re.findall(r"^\$ bridge ((?:.*\\\n)*.*)$", session, flags=re.MULTILINE):
        words = command.replace("\\\n", " ").split()
        name = words[:2] if words[0] == "provenance" else words[:1]
        described = bridge(*name, "--help").stdout
        assert [word for word in words if word.startswith("-") and word not in described] == []
