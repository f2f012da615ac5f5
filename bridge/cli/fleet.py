"""``bridge fleet``: the server's packages behind Ray Serve, with several replicas."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.cli.exits import errors_as_exits
from bridge.cli.facts import echo_facts
from bridge.cli.option_groups import with_option_groups
from bridge.cli.trust_options import PolicyOptions

if TYPE_CHECKING:
    from bridge.fleet.plan import Plan


@with_option_groups
def fleet_command(
    config: Annotated[Path, typer.Argument(help="A configuration of bridge serve, in YAML.", show_default=False)],
    trust: PolicyOptions,
    replicas: Annotated[int, typer.Option(help="Processes that each hold every model.", min=1, max=1024)] = 2,
    address: Annotated[
        str, typer.Option(help="A Ray cluster that runs already, as in 192.0.2.7:6379 or auto.  [default: one on this machine]")
    ] = "",
    print_deployment: Annotated[
        bool,
        typer.Option("--print-deployment", help="Verify, print what `serve deploy` takes with every digest in it, and exit."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Serve packages from several replicas by Ray Serve until SIGTERM or SIGINT; SIGHUP deploys the packages anew."""
    with errors_as_exits(as_json=as_json):
        from bridge.errors import InvalidOptionError
        from bridge.fleet.application import planned
        from bridge.fleet.one_machine import Fleet, run_fleet

        if trust.policy and (trust.public_key or trust.trusted_root):
            raise InvalidOptionError("--policy says whom to trust: leave out --public-key and --trusted-root")
        args = _args(config, trust)
        if print_deployment:
            _print(args, planned(args), replicas, as_json=as_json)
            return
        run_fleet(Fleet(args, replicas, address), lambda plan: _announce(plan, replicas, as_json=as_json))


def _args(config: Path, trust: PolicyOptions) -> dict[str, Any]:
    said = {
        "configuration": str(config.absolute()),
        "policy": str(trust.policy.absolute()) if trust.policy else "",
        "public_keys": [str(key.absolute()) for key in trust.public_key or ()],
        "trusted_roots": [str(root.absolute()) for root in trust.trusted_root or ()],
    }
    return {name: value for name, value in said.items() if value}


def _print(args: dict[str, Any], plan: "Plan", replicas: int, *, as_json: bool) -> None:
    from bridge.fleet.deployment_document import deployment_document

    document = deployment_document(args, plan, replicas)
    if as_json:
        typer.echo(json.dumps(document))
        return
    import yaml

    typer.echo(yaml.safe_dump(document, sort_keys=False, width=200), nl=False)


def _announce(plan: "Plan", replicas: int, *, as_json: bool) -> None:
    settings = plan.settings
    digests = {(model.name, model.version): plan.pins[str(model.package)].root_digest for model in settings.models}
    ports = {"http": settings.port} | ({"grpc": settings.grpc_port} if settings.grpc_port is not None else {})
    if as_json:
        models = [{"name": name, "version": version, "root_digest": digest} for (name, version), digest in digests.items()]
        typer.echo(json.dumps({"serving": True, "host": settings.host, "ports": ports, "replicas": replicas, "models": models}))
        return
    echo_facts(
        *(("model", f"{name} {version}  sha256:{digest}") for (name, version), digest in digests.items()),
        ("replicas", str(replicas)),
        ("HTTP", f"http://{settings.host}:{settings.port}/v2"),
        *((("gRPC", f"{settings.host}:{settings.grpc_port}"),) if settings.grpc_port is not None else ()),
    )
