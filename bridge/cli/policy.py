"""``bridge policy``: reads a policy and says what is unwise in it; says of every rule what it finds in a model."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.console import output_console, plain
from bridge.cli.exits import REFUSED, errors_as_exits
from bridge.cli.guards import GuardsFile
from bridge.cli.option_groups import with_option_groups
from bridge.cli.trust_options import PolicyOptions, Signature

if TYPE_CHECKING:
    from bridge.trust.policy.rules import Decision

policy_app = typer.Typer(help="Policies: who may sign what, and what has to be stated.", no_args_is_help=True)


@policy_app.command("check")
def check_command(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The policy, in YAML.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Read a policy with all keys and certificates that it names, and say what is unwise in it."""
    with errors_as_exits(as_json=as_json, subject=str(file)):
        from bridge.trust.policy.advice import advice
        from bridge.trust.policy.document import load_policy

        policy = load_policy(file)
        sentences = advice(policy)
    if as_json:
        typer.echo(json.dumps({"policy": policy.name, "sha256": policy.sha256, "advice": list(sentences)}, indent=1))
        return
    console = output_console()
    console.print(plain(f"policy {policy.name}, sha256 {policy.sha256}, {len(policy.signers)} group(s) of signers"))
    for sentence in sentences:
        console.print(plain(f"  {sentence}"), soft_wrap=True)


@policy_app.command("explain")
@with_option_groups
def explain_command(
    model: Annotated[Path, typer.Argument(exists=True, help="A model file, or the folder of a package.", show_default=False)],
    *,
    accepted: PolicyOptions,
    signature: Signature = None,
    guards: GuardsFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say of every rule what it finds in a model and on this machine; exit 3 where one refuses. Nobody is alerted."""
    with errors_as_exits(as_json=as_json, subject=str(model)):
        from bridge.runtime.explaining import explain_here

        behind = None
        if guards is not None:
            from bridge.runtime.guards.configuration import load_guards

            behind = load_guards(guards)
        decision = explain_here(model, accepted.to_policy(), signature=signature, guards=behind)
    if as_json:
        typer.echo(json.dumps(decision.to_json(), indent=1))
    else:
        _show(decision)
    if not decision.accepted:
        raise typer.Exit(REFUSED)


def _show(decision: "Decision") -> None:
    from rich.table import Table
    from rich.text import Text

    verdict = "accepted" if decision.accepted else "refused"
    table = Table(title=plain(f"{decision.subject}: {verdict} by the policy {decision.policy}"), title_justify="left")
    for heading in ("rule", "outcome", "found"):
        table.add_column(heading, overflow="fold")
    styles = {"passed": "green", "refused": "bold red"}
    for outcome in decision.outcomes:
        word = outcome.outcome.value
        table.add_row(outcome.rule, Text(word, style=styles.get(word, "")), plain(outcome.detail))
    output_console().print(table)
