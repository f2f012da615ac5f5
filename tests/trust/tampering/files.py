"""Attempts on the files of a package and of a source."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

from tests.trust.tampering.attempt import attempt
from tests.trust.tampering.scene import Scene, flip

PARTS = ("model.onnx", "interface.json", "sbom.cdx.json", "reports/equivalence.json", "reports/equivalence.html")


def _flip_in(part: str) -> None:
    @attempt("package", f"a bit of {part} is flipped", refused_by="IntegrityError", says=f"{part}: not what was signed")
    def act(scene: Scene) -> None:
        flip(scene.package / part, 0.5)


for _part in PARTS:
    _flip_in(_part)


@attempt("package", "the first bit of model.onnx is flipped", refused_by="IntegrityError", says="changed: 'model.onnx'")
def _first_bit(scene: Scene) -> None:
    flip(scene.package / "model.onnx", 0, mask=0x80)


@attempt("package", "the last bit of model.onnx is flipped", refused_by="IntegrityError", says="changed: 'model.onnx'")
def _last_bit(scene: Scene) -> None:
    flip(scene.package / "model.onnx", 1)


@attempt("package", "model.onnx is cut short by one byte", refused_by="IntegrityError", says="model.onnx: not what was signed")
def _cut(scene: Scene) -> None:
    path = scene.package / "model.onnx"
    os.truncate(path, path.stat().st_size - 1)


@attempt("package", "a zero byte is added to model.onnx", refused_by="IntegrityError", says="model.onnx: not what was signed")
def _extend(scene: Scene) -> None:
    with (scene.package / "model.onnx").open("ab") as file:
        file.write(b"\0")


@attempt("package", "model.onnx is emptied", refused_by="IntegrityError", says="model.onnx: not what was signed")
def _empty(scene: Scene) -> None:
    os.truncate(scene.package / "model.onnx", 0)


@attempt("package", "a file is removed", refused_by="IntegrityError", says="no such file")
def _remove(scene: Scene) -> None:
    (scene.package / "reports/equivalence.html").unlink()


@attempt("package", "a file is added", refused_by="IntegrityError", says="a file that was not signed")
def _add(scene: Scene) -> None:
    (scene.package / "model.onnx.data").write_bytes(b"weights from elsewhere")


@attempt("package", "a hidden file is added", refused_by="IntegrityError", says="not signed: '.config'")
def _add_hidden(scene: Scene) -> None:
    (scene.package / ".config").write_bytes(b"")


@attempt("package", "a file is added in a new folder", refused_by="IntegrityError", says="not signed: 'custom/operators.so'")
def _add_deep(scene: Scene) -> None:
    (scene.package / "custom").mkdir()
    (scene.package / "custom/operators.so").write_bytes(b"\x7fELF")


@attempt("package", "a file is renamed", refused_by="IntegrityError", says="renamed?")
def _rename(scene: Scene) -> None:
    (scene.package / "model.onnx").rename(scene.package / "model2.onnx")


@attempt("package", "two files change places", refused_by="IntegrityError", says="changed: 'interface.json', 'sbom.cdx.json'")
def _swap(scene: Scene) -> None:
    one, other, aside = scene.package / "interface.json", scene.package / "sbom.cdx.json", scene.folder / "aside"
    one.rename(aside)
    other.rename(one)
    aside.rename(other)


@attempt("package", "a file is replaced by a symbolic link to its like", refused_by="UnsafePathError", says="a symbolic link")
def _symbolic_link(scene: Scene) -> None:
    path = scene.package / "model.onnx"
    path.rename(scene.folder / "aside")
    path.symlink_to(scene.folder / "aside")


@attempt("package", "a folder is replaced by a symbolic link to its like", refused_by="UnsafePathError", says="a symbolic link")
def _linked_folder(scene: Scene) -> None:
    path = scene.package / "reports"
    path.rename(scene.folder / "aside")
    path.symlink_to(scene.folder / "aside")


@attempt("package", "a file gets a second name outside (hard link)", refused_by="UnsafePathError", says="2 names")
def _hard_link(scene: Scene) -> None:
    (scene.folder / "second").hardlink_to(scene.package / "model.onnx")


@attempt("package", "a file is replaced by a pipe", refused_by="UnsafePathError", says="a pipe")
def _pipe(scene: Scene) -> None:
    (scene.package / "model.onnx").unlink()
    os.mkfifo(scene.package / "model.onnx")


@attempt("package", "a device is added", refused_by="UnsafePathError", says="symbolic link")
def _device(scene: Scene) -> None:
    (scene.package / "zero").symlink_to("/dev/zero")


@attempt("package", "a name is added in two Unicode forms", refused_by="UnsafePathError", says="in another Unicode form")
def _unicode_twins(scene: Scene) -> None:
    for form in ("NFC", "NFD"):
        (scene.package / unicodedata.normalize(form, "modèle.onnx")).write_bytes(b"")


@attempt("package", "a file is renamed to a name that looks the same", refused_by="IntegrityError", says="renamed?")
def _look_alike(scene: Scene) -> None:
    (scene.package / "model.onnx").rename(scene.package / "m\N{CYRILLIC SMALL LETTER O}del.onnx")


@attempt("package", "a name with a line end is added", refused_by="UnsafePathError", says="with a control character")
def _line_end(scene: Scene) -> None:
    (scene.package / "model.onnx\n-rw-r--r-- verified").write_bytes(b"")


@attempt("package", "a name with a backslash is added", refused_by="UnsafePathError", says="with a backslash")
def _backslash(scene: Scene) -> None:
    (scene.package / "..\\model.onnx").write_bytes(b"")


@attempt("package", "a name that is no UTF-8 is added", refused_by="UnsafePathError", says="not UTF-8")
def _not_utf8(scene: Scene) -> None:
    Path(os.fsdecode(os.fsencode(scene.package) + b"/model\xff.onnx")).write_bytes(b"")


@attempt("package", "folders are nested a hundred deep", refused_by="UnsafePathError", says="64 folders within each other")
def _nested(scene: Scene) -> None:
    (scene.package / "/".join("d" * 100)).mkdir(parents=True)


@attempt("source", "a bit of the source is flipped", refused_by="IntegrityError", says="model.dnn: not what was signed")
def _source_bit(scene: Scene) -> None:
    flip(scene.source, 0.5)


@attempt("source", "a byte is added to the source", refused_by="IntegrityError", says="model.dnn: not what was signed")
def _source_extended(scene: Scene) -> None:
    with scene.source.open("ab") as file:
        file.write(b"\0")


@attempt("source", "the source is replaced by a symbolic link", refused_by="UnsafePathError", says="a symbolic link")
def _source_link(scene: Scene) -> None:
    scene.source.rename(scene.folder / "aside")
    scene.source.symlink_to("aside")


@attempt("source", "the source is emptied", refused_by="NotAModelError", says="is empty")
def _source_empty(scene: Scene) -> None:
    os.truncate(scene.source, 0)
