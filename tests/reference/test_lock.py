"""The lock that a release ships."""

from __future__ import annotations

from bridge.reference.lock import load_lock


def test_every_wheel_is_pinned_by_size_and_sha256() -> None:
    wheels = load_lock().wheels
    assert [(wheel.project, wheel.version) for wheel in wheels] == [("cntk", "2.7"), ("numpy", "1.19.5"), ("scipy", "1.5.4")]
    for wheel in wheels:
        assert wheel.bytes > 10_000_000
        for digest in (wheel.sha256, wheel.record_sha256, *dict(wheel.corrections).values()):
            assert len(bytes.fromhex(digest)) == 32
        assert wheel.record == f"{wheel.project}-{wheel.version}.dist-info/RECORD"


def test_wheels_are_for_the_python_and_the_machine_of_the_lock() -> None:
    lock = load_lock()
    assert all(wheel.file.endswith(f"-cp36-cp36m-manylinux1_{lock.machine}.whl") for wheel in lock.wheels)
    assert lock.python == "3.6"


def test_a_requirement_carries_its_hash() -> None:
    cntk = load_lock().wheels[0]
    assert cntk.requirement == f"cntk==2.7 --hash=sha256:{cntk.sha256}"
