"""docs/equivalence.md states what the code does."""

import re
from pathlib import Path

import pytest
import yaml

from verify.equivalence.backends.registry import _further_providers, backend_kinds
from verify.equivalence.tolerances import TOLERANCES
from verify.equivalence.waivers import read_waivers

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "equivalence.md").read_text()


@pytest.mark.parametrize("dtype", TOLERANCES)
def test_tolerances_and_their_reasons_are_those_of_the_code(dtype: str) -> None:
    found = re.search(rf"^\| {dtype} \| (\S+) \| (\S+) \| (.*) \|$", PAGE, flags=re.MULTILINE)
    assert found is not None
    tolerance = TOLERANCES[dtype]
    assert (float(found[1]), float(found[2]), found[3]) == (tolerance.rtol, tolerance.atol, tolerance.why)


def test_every_backend_is_named() -> None:
    further = {kind.name for kind in _further_providers()}  # The page has one row for all of these.
    assert [kind.name for kind in backend_kinds() if kind.name not in further and f"`{kind.name}`" not in PAGE] == []


def test_example_of_a_file_of_waivers_is_one(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
    (tmp_path / "waivers.yaml").write_text(example)
    last_day = yaml.safe_load(example)["waivers"][0]["expires"]
    (waiver,) = read_waivers(tmp_path / "waivers.yaml", today=last_day)
    assert waiver.expires == last_day.isoformat()


def test_every_file_that_the_page_links_to_exists() -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", PAGE)
    assert targets
    assert [target for target in targets if not (ROOT / "docs" / target).exists()] == []
