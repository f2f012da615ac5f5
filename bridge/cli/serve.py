"""``bridge serve``: packages behind the Open Inference Protocol."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.exits import errors_as_exits
from bridge.cli.facts import echo_facts
from bridge.cli.guards import GuardsFile
from bridge.cli.option_groups import with_option_groups
from bridge.cli.trust_options import TrustOptions
from bridge.errors import InvalidOptionError

if TYPE_CHECKING:
    from bridge.serve.server import Server
    from bridge.serve.settings import ModelSettings, ServerSettings, TlsSettings


@with_option_groups
def serve_command(
    packages: Annotated[
        list[str] | None,
        typer.Argument(help="Package folders: FOLDER, or NAME=FOLDER, or NAME:VERSION=FOLDER.", show_default=False),
    ] = None,
    config: Annotated[Path | None, typer.Option(help="All settings, in YAML, in place of every other option.")] = None,
    *,
    trust: TrustOptions,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port for HTTP; 0 takes any.", min=0, max=65535)] = 8000,
    grpc_port: Annotated[int | None, typer.Option(help="Port for gRPC.  [default: none]", min=0, max=65535)] = None,
    admin_port: Annotated[
        int, typer.Option(help="Port of the loopback interface for metrics and the status page.", min=0, max=65535)
    ] = 8002,
    isolation: Annotated[str, typer.Option(help="Where models run: none (this process) or process (a sandbox).")] = "none",
    guards: GuardsFile = None,
    workers: Annotated[int, typer.Option(help="Runs of each model at once.", min=1, max=64)] = 1,
    threads: Annotated[int | None, typer.Option(help="Threads of each run.  [default: processors / workers]", min=1)] = None,
    batch: Annotated[int, typer.Option(help="Samples that are answered together at most; 1 is off.", min=1)] = 32,
    batch_delay: Annotated[float, typer.Option(help="Seconds that a request waits for company.", min=0, max=10)] = 0.0,
    timeout: Annotated[float | None, typer.Option(help="Seconds for a request.  [default: as the package says]", min=0)] = None,
    tls_certificate: Annotated[Path | None, typer.Option(help="Certificate chain in PEM: TLS 1.3.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its private key in PEM.")] = None,
    client_roots: Annotated[Path | None, typer.Option(help="Roots in PEM of certificates that clients have to show.")] = None,
    new_key: Annotated[
        bool,
        typer.Option("--new-key", help="Make a key for a client, print it with what the configuration keeps of it, and exit."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Serve packages over HTTP and gRPC (Open Inference Protocol v2) until SIGTERM or SIGINT; then finish what is under way."""
    with errors_as_exits(as_json=as_json):
        if new_key:
            _print_key(as_json=as_json)
            return
        from bridge.serve.loading import load_model
        from bridge.serve.server import serve
        from bridge.serve.settings import BatchSettings, ModelSettings, ServerSettings

        trusted = None
        if config is not None:
            if packages or trust.given or guards is not None:
                raise InvalidOptionError(
                    "--config says what is served, behind which guards, and whom to trust: leave out packages, guards, policies "
                    "and keys"
                )
            settings = _configured(config)
        else:
            trusted = trust.to_policy()
            common = ModelSettings("", Path(), isolation=isolation, workers=workers, threads=threads, seconds=timeout or None)
            common = replace(common, batch=BatchSettings(batch, batch_delay), guards=guards)
            models = tuple(_model(text, common) for text in packages or ())
            tls = _tls(tls_certificate, tls_key, client_roots)
            settings = ServerSettings(
                models, host, port, grpc_port, admin_port=admin_port, tls=tls, allow_unsigned=trust.allow_unsigned
            )
        if not settings.models:
            raise InvalidOptionError("nothing to serve: give a package, or --config")
        serve(
            settings,
            lambda model: load_model(model, trusted, allow_unsigned=settings.allow_unsigned),
            lambda server: _announce(server, settings, as_json=as_json),
        )


def _configured(config: Path) -> "ServerSettings":
    from bridge.serve.configuration import load_configuration

    return load_configuration(config)


def _tls(certificate: Path | None, key: Path | None, client_roots: Path | None) -> "TlsSettings | None":
    from bridge.serve.settings import TlsSettings

    if certificate is not None and key is not None:
        return TlsSettings(certificate, key, client_roots)
    if certificate is None and key is None and client_roots is None:
        return None
    raise InvalidOptionError("TLS needs both --tls-certificate and --tls-key")


def _model(text: str, common: "ModelSettings") -> "ModelSettings":
    """``FOLDER``, ``NAME=FOLDER`` or ``NAME:VERSION=FOLDER``."""
    said, is_named, folder = text.partition("=")
    package = Path(folder if is_named else text)
    if not package.is_dir():
        raise InvalidOptionError(f"{str(package)!r} is no folder; expected a package, as in NAME=FOLDER")
    name, _, version = said.partition(":") if is_named else (package.resolve().name, "", "")
    if not name:
        raise InvalidOptionError(f"{text!r} gives the model no name")
    return replace(common, name=name, version=version or "1", package=package)


def _announce(server: "Server", settings: "ServerSettings", *, as_json: bool) -> None:
    ports = server.ports
    if as_json:
        models = [{"name": model.name, "version": model.version} for model in settings.models]
        typer.echo(json.dumps({"serving": True, "host": settings.host, "ports": ports, "models": models}))
        return
    scheme = "https" if settings.tls else "http"
    echo_facts(
        *(("model", f"{model.name} {model.version}") for model in settings.models),
        *((("HTTP", f"{scheme}://{settings.host}:{ports['http']}/v2"),) if "http" in ports else ()),
        *((("gRPC", f"{settings.host}:{ports['grpc']}"),) if "grpc" in ports else ()),
        *((("status, metrics", f"http://{settings.admin_host}:{ports['admin']}/"),) if "admin" in ports else ()),
    )


def _print_key(*, as_json: bool) -> None:
    from bridge.serve.clients.identity import new_key

    key, digest = new_key()
    if as_json:
        typer.echo(json.dumps({"key": key, "key_sha256": digest}))
        return
    echo_facts(("key, for the client", key), ("key_sha256, for the configuration", digest))
