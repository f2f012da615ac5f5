"""What the operating system says when a file cannot be written, told with what to do about it."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bridge.errors import WriteError

_SPACE = "free some space, or write to another disk"
_PERMISSION = "choose a folder that you may write to"
_ADVICE = {
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: _SPACE,
    errno.EFBIG: "the file system or a limit of this process (ulimit -f) does not allow a file of this size",
    errno.EACCES: _PERMISSION,
    errno.EPERM: _PERMISSION,
    errno.EROFS: _PERMISSION,
    errno.ENOENT: "create the folder first",
    errno.ENOTDIR: "a part of the path is a file where a folder has to be",
    errno.EISDIR: "name a file, not a folder",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ELOOP: "a symbolic link in the path leads back to itself",
    errno.EIO: "the disk or the network behind it fails; nothing that was written can be relied on",
}


@contextmanager
def explained(destination: Path) -> Iterator[None]:
    """Turn an ``OSError`` from inside into a ``WriteError`` about ``destination``."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        advice = _ADVICE.get(error.errno or 0, "nothing was changed; try another folder")
        raise WriteError(f"cannot write '{destination}': {reason}; {advice}") from error
