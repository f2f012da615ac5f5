"""Where the descriptions of golden cases stand in a repository, which is where code scanning shows what it found."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from verify.equivalence.cases import DESCRIPTION_FILE, case_name, find_cases


def case_files(golden: Path, root: Path | None = None) -> Mapping[str, str]:
    """The path of each case's description by the name of the case, relative to ``root``, the current folder by default.

    Cases outside ``root`` are left out: a result has to lie in the repository. ``InvalidGoldenCaseError`` where there is no case.
    """
    base = Path.cwd() if root is None else root
    relative = {case_name(folder): os.path.relpath(folder / DESCRIPTION_FILE, base) for folder in find_cases(golden)}
    return {name: Path(path).as_posix() for name, path in relative.items() if Path(path).parts[0] != os.pardir}
