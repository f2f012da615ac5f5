"""The options that sign a package, and those that make one of what ``bridge convert`` wrote."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.errors import InvalidOptionError

if TYPE_CHECKING:
    from bridge.package.writing import PackageOptions
    from bridge.trust.signers import Signer

Package = Annotated[
    bool, typer.Option("--package", help="Write signed packages: folders with interface, reports, signature and claims.")
]
SignKey = Annotated[Path | None, typer.Option("--sign-key", help="Private key in PEM that signs packages and claims.")]
SignUri = Annotated[str | None, typer.Option("--sign-pkcs11-uri", help="Key on a token that signs them.")]
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


@dataclass(frozen=True, slots=True)
class SigningOptions:
    """Who signs what a command writes."""

    sign_key: SignKey = None
    sign_pkcs11_uri: SignUri = None
    sign_certificate_chain: SignChain = None
    key_password_file: KeyPassword = None

    @property
    def given(self) -> bool:
        """Whether any of them is."""
        return any((self.sign_key, self.sign_pkcs11_uri, self.sign_certificate_chain, self.key_password_file))

    def signer(self) -> "Signer":
        """The signer that the options name. Raises ``InvalidOptionError`` unless they name exactly one key."""
        if self.sign_key is None and self.sign_pkcs11_uri is None:
            raise InvalidOptionError("a package is signed: give --sign-key or --sign-pkcs11-uri; `bridge keys new` makes a key")
        if self.sign_key is not None and self.sign_pkcs11_uri is not None:
            raise InvalidOptionError("give either --sign-key or --sign-pkcs11-uri, not both")
        from bridge.cli.sign import load_signer

        return load_signer(self.sign_key, self.sign_pkcs11_uri, list(self.sign_certificate_chain or ()), self.key_password_file)

    def signer_if_named(self) -> "Signer | None":
        """The same; ``None`` where no key is named. Raises ``InvalidOptionError`` for a chain or a password of no key."""
        if self.sign_key is not None or self.sign_pkcs11_uri is not None:
            return self.signer()
        if self.given:
            raise InvalidOptionError("a certificate chain or a password file is for a signing key: give --sign-key too")
        return None


def package_options(*, package: bool, signing: SigningOptions, bounds: Sequence[str] | None) -> "PackageOptions | None":
    """What the options ask for; ``None`` without ``--package``. Raises ``InvalidOptionError`` where they do not fit together."""
    if not package:
        if signing.given or bounds:
            raise InvalidOptionError("--sign-key, --bound and their like are for packages: give --package too")
        return None
    signer = signing.signer()
    from bridge.package.describing import parse_bound
    from bridge.package.writing import PackageOptions

    return PackageOptions(signer, dict(parse_bound(text) for text in bounds or ()))
