"""The check of all libraries that a model runs on, for `bridge doctor --integrity` and for the runtime."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bridge.trust.integrity.comparison import compare, describe_source_tree
from bridge.trust.integrity.file_hashing import Advance
from bridge.trust.integrity.findings import Fault, IntegrityReport, LibraryReport
from bridge.trust.integrity.installation import find_installations
from bridge.trust.integrity.lock import Lock, LockedLibrary, startup_by_name
from bridge.trust.integrity.startup_code import startup_files
from bridge.version import __version__

OUR_DISTRIBUTION = "cntk-bridge"
_SOURCE_TREE = Path(__file__).parents[3]
DEFAULT_LIBRARIES = (
    OUR_DISTRIBUTION,
    "onnxruntime",
    "onnxruntime-gpu",
    "onnx",
    "onnx-ir",
    "numpy",
    "protobuf",
    "ml-dtypes",
    "cryptography",
    "cffi",
    "pyyaml",
    "jsonschema",
    "torch",
    "safetensors",
    "blake3",
    "python-pkcs11",
)
"""What stands between a model's bytes and its results, as far as it is installed."""


def check_libraries(
    names: Sequence[str] = DEFAULT_LIBRARIES,
    lock: Lock | None = None,
    *,
    advance: Advance | None = None,
) -> IntegrityReport:
    """Hash the installed libraries of these names and compare them with their RECORDs, and with ``lock`` where there is one.

    Libraries that are neither installed nor locked are reported as absent. Nothing is imported. The report may honestly have
    faults: ``report.raise_for_faults()`` turns the first into ``IntegrityError``.
    """
    started = time.monotonic()
    locked = [library.name for library in lock.libraries] if lock is not None else []
    libraries = tuple(_check_library(name, lock, advance) for name in dict.fromkeys((*names, *locked)))
    startup = startup_files()
    report = IntegrityReport(libraries, startup, (), lock.signed_by if lock else None, 0.0)
    faults = tuple(_startup_faults(report, lock)) if lock is not None else ()
    return dataclasses.replace(report, startup_faults=faults, seconds=time.monotonic() - started)


def _check_library(name: str, lock: Lock | None, advance: Advance | None) -> LibraryReport:
    report = _found(name, advance)
    if lock is None:
        return report
    faults = (*report.faults, *_differences(report, lock.library(name)))
    return dataclasses.replace(report, faults=faults)


def _found(name: str, advance: Advance | None) -> LibraryReport:
    installations = find_installations(name)
    if not installations:
        if name == OUR_DISTRIBUTION:  # Run from a checkout that was never installed.
            return describe_source_tree(name, __version__, _SOURCE_TREE, advance)
        return LibraryReport(name, "", "absent", 0, 0, 0, "", "", ())
    first = installations[0]
    if first.source is not None:
        return describe_source_tree(name, first.version, first.source, advance)
    report = compare(first, advance)
    if len(installations) > 1:
        others = ", ".join(f"{other.version} in {other.root}" for other in installations[1:])
        fault = Fault("duplicate", name, "one installation", f"{first.version} in {first.root}, and {others}")
        report = dataclasses.replace(report, faults=(*report.faults, fault))
    return report


def _differences(report: LibraryReport, locked: LockedLibrary | None) -> Iterator[Fault]:
    if locked is None:
        if report.how != "absent":
            yield Fault("not-locked", report.name, "not installed, since the lock does not have it", report.version)
    elif report.how == "absent":
        yield Fault("not-installed", report.name, f"version {locked.version}", "not installed")
    else:
        pairs = {
            "version": (locked.version, report.version),
            "RECORD's sha256": (locked.record_sha256, report.record_sha256),
            "sha256 of its files": (locked.files_sha256, report.files_sha256),
        }
        for what, (expected, found) in pairs.items():
            if expected != found:
                yield Fault("not-as-locked", report.name, f"{what} {expected or 'none'}", found or "none")


def _startup_faults(report: IntegrityReport, lock: Lock) -> Iterator[Fault]:
    locked = dict(lock.startup)
    found = dict(startup_by_name(report))
    for name in sorted(locked.keys() | found.keys()):
        if locked.get(name) != found.get(name):
            yield Fault("not-as-locked", name, locked.get(name, "no such file at start-up"), found.get(name, "no such file"))
