"""The options of ``bridge convert`` that make a signed package of the result."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.errors import InvalidOptionError

if TYPE_CHECKING:
    from bridge.package.writing import PackageOptions

Package = Annotated[
    bool, typer.Option("--package", help="Write signed packages: folders with interface, reports, signature and claims.")
]
SignKey = Annotated[Path | None, typer.Option("--sign-key", help="Private key in PEM that signs the packages.")]
SignUri = Annotated[str | None, typer.Option("--sign-pkcs11-uri", help="Key on a token that signs the packages.")]
SignChain = Annotated[
    list[Path] | None, typer.Option("--sign-certificate-chain", help="Certificates of that key in PEM, its own first.")
]
KeyPassword = Annotated[
    Path | None, typer.Option("--key-password-file", help="File with the key's password.  [default: BRIDGE_KEY_PASSWORD]")
]
Bounds = Annotated[
    list[str] | None,
    typer.Option("--bound", help="Greatest extent of a dimension to serve, as in T=512 or N=1..64; may be repeated."),
]


def package_options(
    *,
    package: bool,
    key: Path | None,
    pkcs11_uri: str | None,
    chain: Sequence[Path] | None,
    password_file: Path | None,
    bounds: Sequence[str] | None,
) -> "PackageOptions | None":
    """What the options ask for; ``None`` without ``--package``. Raises ``InvalidOptionError`` where they do not fit together."""
    if not package:
        if key or pkcs11_uri or chain or password_file or bounds:
            raise InvalidOptionError("--sign-key, --bound and their like are for packages: give --package too")
        return None
    if key is None and pkcs11_uri is None:
        raise InvalidOptionError("a package is signed: give --sign-key or --sign-pkcs11-uri; `bridge keys new` makes a key")
    from bridge.cli.sign import load_signer
    from bridge.package.describing import parse_bound
    from bridge.package.writing import PackageOptions

    signer = load_signer(key, pkcs11_uri, list(chain or ()), password_file)
    return PackageOptions(signer, dict(parse_bound(text) for text in bounds or ()))
