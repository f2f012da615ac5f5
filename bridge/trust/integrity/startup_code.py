"""Files that Python obeys at every start, whatever is imported: .pth files, sitecustomize and usercustomize."""

from __future__ import annotations

import site
import sysconfig
from pathlib import Path

from bridge.trust.integrity.file_hashing import hash_files
from bridge.trust.integrity.findings import StartupFile
from bridge.trust.integrity.installation import owner_of

_CUSTOMISING = ("sitecustomize.py", "usercustomize.py")


def startup_files() -> tuple[StartupFile, ...]:
    """Those in the folders of installed packages, with who installed them. Harmless ones only name folders; any may run code."""
    found: list[StartupFile] = []
    for folder in _folders():
        names = sorted(path.name for path in folder.iterdir() if path.suffix == ".pth" or path.name in _CUSTOMISING)
        hashed = hash_files(folder, ((name, "sha256") for name in names))
        found += [StartupFile(str(folder / name), file.digest, owner_of(name, folder)) for name, file in hashed.items()]
    return tuple(found)


def _folders() -> list[Path]:
    names = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    if site.ENABLE_USER_SITE:
        names.append(site.getusersitepackages())
    return [folder for folder in map(Path, dict.fromkeys(names)) if folder.is_dir()]
