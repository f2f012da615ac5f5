"""Real wheels, small ones, and a lock that pins them: what an installation is tested with where there is no CNTK."""

from __future__ import annotations

import base64
import hashlib
import io
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

from bridge.reference.description import InstallationDescription, write_description
from bridge.reference.environment import DESCRIPTION, LIBRARIES, MODULES
from bridge.reference.installation import unpack_wheel
from bridge.reference.libraries import FoundLibrary, digest, link_libraries
from bridge.reference.lock import Lock, LockedWheel

FILES = {"engine/__init__.py": b"ANSWER = 42\n", "engine/core.so": b"\x7fELF and so on\n"}


def make_wheel(files: Mapping[str, bytes] = FILES, project: str = "engine") -> tuple[LockedWheel, bytes]:
    """A wheel of ``files`` with a RECORD, and what a lock says of it."""
    record = f"{project}-1.0.dist-info/RECORD"
    content = {**files, f"{project}-1.0.dist-info/METADATA": f"Name: {project}\nVersion: 1.0\n".encode()}
    lines = [f"{path},sha256={_encoded(data)},{len(data)}" for path, data in content.items()]
    content[record] = "\n".join([*lines, f"{record},,", ""]).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, data in content.items():
            archive.writestr(path, data)
    data = buffer.getvalue()
    wheel = LockedWheel(
        project=project,
        version="1.0",
        file=f"{project}-1.0-py3-none-any.whl",
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        record=record,
        record_sha256=hashlib.sha256(content[record]).hexdigest(),
    )
    return wheel, data


def make_lock(*wheels: LockedWheel) -> Lock:
    """A lock of ``wheels``, without libraries, for the Python that CNTK needs."""
    return Lock(python="3.6", machine="x86_64", wheels=wheels, libraries=())


def make_installation(root: Path) -> Lock:
    """An installation of one small wheel and one library in ``root``; its lock."""
    wheel, data = make_wheel()
    (root / MODULES).mkdir(parents=True)
    unpack_wheel(data, wheel, root / MODULES)
    executable = Path(sys.executable).resolve()
    library = root.with_name("libsystem.so.40")
    library.write_bytes(b"a library of the system")
    found = (FoundLibrary("libneeded.so.12", library, digest(library)),)
    link_libraries(root / LIBRARIES, found)
    write_description(
        root / DESCRIPTION,
        InstallationDescription(executable, "3.6.15", executable, digest(executable), library, digest(library), found),
    )
    return make_lock(wheel)


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
