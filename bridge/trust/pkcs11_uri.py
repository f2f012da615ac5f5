"""Names of keys in hardware: PKCS #11 URIs as in RFC 7512, with the attributes that choose a token and a key on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

from bridge.errors import InvalidOptionError

_PATH_ATTRIBUTES = ("token", "manufacturer", "serial", "model", "object", "id", "type", "slot-id")
_QUERY_ATTRIBUTES = ("module-path", "module-name", "pin-source")
_MODULE_FOLDERS = (
    "/usr/lib/softhsm",
    "/usr/lib64/pkcs11",
    "/usr/lib/pkcs11",
    "/usr/lib/x86_64-linux-gnu/pkcs11",
)


@dataclass(frozen=True, slots=True)
class Pkcs11Uri:
    """Where a key is: on which token, under which label or identifier, and by which library it is reached."""

    module: Path
    token: str | None
    serial: str | None
    manufacturer: str | None
    model: str | None
    slot: int | None
    label: str | None
    identifier: bytes | None
    pin_source: Path | None

    @staticmethod
    def parse(uri: str) -> Pkcs11Uri:
        """Read one. Raises ``InvalidOptionError`` for another scheme, unknown or repeated attributes, or if it names no key."""
        if not uri.startswith("pkcs11:"):
            raise InvalidOptionError("no PKCS #11 URI: expected pkcs11:token=...;object=...?module-path=...")
        path, _, query = uri.removeprefix("pkcs11:").partition("?")
        named = _attributes(path, ";", _PATH_ATTRIBUTES) | _attributes(query, "&", _QUERY_ATTRIBUTES)
        if named.get("type", b"private") != b"private":
            raise InvalidOptionError("the PKCS #11 URI names no private key: leave type away, or say type=private")
        text = {name: _text(name, value) for name, value in named.items() if name != "id"}
        if "object" not in text and "id" not in named:
            raise InvalidOptionError("the PKCS #11 URI names no key: expected object=<label> or id=<percent-encoded octets>")
        slot = text.get("slot-id")
        if slot is not None and not (slot.isascii() and slot.isdigit() and len(slot) < 20):
            raise InvalidOptionError(f"the PKCS #11 URI has the slot {slot!a}: expected a number")
        source = text.get("pin-source")
        return Pkcs11Uri(
            module=_module(text.get("module-path"), text.get("module-name")),
            token=text.get("token"),
            serial=text.get("serial"),
            manufacturer=text.get("manufacturer"),
            model=text.get("model"),
            slot=int(slot) if slot is not None else None,
            label=text.get("object"),
            identifier=named.get("id"),
            pin_source=_pin_source(source) if source is not None else None,
        )


def _attributes(text: str, separator: str, known: tuple[str, ...]) -> dict[str, bytes]:
    named: dict[str, bytes] = {}
    for part in text.split(separator) if text else ():
        name, equals, value = part.partition("=")
        if name == "pin-value":
            raise InvalidOptionError(
                "the PIN stands in the PKCS #11 URI, where every user of this machine can read it; "
                "put it into a file and name that by pin-source, or into BRIDGE_PKCS11_PIN"
            )
        if not equals or name not in known:
            raise InvalidOptionError(f"the PKCS #11 URI has the attribute {name!a}: expected one of {', '.join(known)}")
        if name in named:
            raise InvalidOptionError(f"the PKCS #11 URI has the attribute {name} twice")
        named[name] = unquote_to_bytes(value)
    return named


def _text(name: str, value: bytes) -> str:
    try:
        text = value.decode()
    except UnicodeDecodeError as error:
        raise InvalidOptionError(f"the PKCS #11 URI has a {name} that is not UTF-8") from error
    if "\0" in text:
        raise InvalidOptionError(f"the PKCS #11 URI has a {name} with a zero octet")
    return text


def _module(path: str | None, name: str | None) -> Path:
    if path is not None:
        if not Path(path).is_absolute():
            raise InvalidOptionError(
                "the module-path of a PKCS #11 URI is no absolute path: what is loaded must not depend on the folder"
            )
        return Path(path)
    if name is None:
        raise InvalidOptionError("the PKCS #11 URI names no library: add ?module-path=/.../library.so or ?module-name=<name>")
    if "/" in name:
        raise InvalidOptionError("the module-name of a PKCS #11 URI is a path: use module-path")
    for folder in _MODULE_FOLDERS:
        for file in (f"{name}.so", f"lib{name}.so", name):
            if (found := Path(folder) / file).is_file():
                return found
    raise InvalidOptionError(f"no PKCS #11 library {name!a} in {', '.join(_MODULE_FOLDERS)}: use module-path")


def _pin_source(source: str) -> Path:
    parts = urlsplit(source) if source.startswith("file:") else None
    path = parts.path if parts else source
    if (parts and parts.netloc) or not Path(path).is_absolute():
        raise InvalidOptionError("the pin-source of a PKCS #11 URI is no absolute path of a file")
    return Path(path)
