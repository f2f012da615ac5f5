from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from bridge.cli.app import app
from bridge.cli.option_groups import with_option_groups


@dataclass(frozen=True)
class Place:
    """Two options that several commands take."""

    row: Annotated[int, typer.Option("--row", help="Which row.")]
    column: Annotated[list[str] | None, typer.Option("--column", help="Which columns.")] = None


def run(command: Any, *arguments: str) -> tuple[int, str]:
    alone = typer.Typer()
    alone.command()(command)
    result = CliRunner().invoke(alone, list(arguments))
    return result.exit_code, result.output


def test_a_group_of_options_reaches_the_command_as_one_value() -> None:
    seen = []

    @with_option_groups
    def command(name: str, *, place: Place, loud: bool = False) -> None:
        """Say where."""
        seen.append((name, place, loud))

    assert run(command, "here", "--row", "3", "--column", "a", "--column", "b", "--loud") == (0, "")
    assert seen == [("here", Place(3, ["a", "b"]), True)]
    assert run(command, "here", "--row", "3")[0] == 0
    assert seen[-1] == ("here", Place(3, None), False)
    code, text = run(command, "--help")
    assert code == 0
    assert "Say where." in text
    assert text.index("--row") < text.index("--column") < text.index("--loud")


def test_an_option_of_a_group_without_a_default_is_required() -> None:
    @with_option_groups
    def command(*, place: Place) -> None:
        raise AssertionError(place)

    code, text = run(command)
    assert code == 2
    assert "--row" in text


def test_one_name_for_two_options_is_refused() -> None:
    def command(row: int, *, place: Place) -> None:
        """Never run."""

    with pytest.raises(TypeError, match="'row'"):
        with_option_groups(command)


def leaves(command: Any, name: str) -> list[tuple[str, Any]]:
    """Every command beneath ``command`` with its whole name."""
    if not hasattr(command, "commands"):
        return [(name, command)]
    return [found for own, one in command.commands.items() for found in leaves(one, f"{name} {own}")]


COMMANDS = dict(leaves(get_command(app), "bridge"))
VERIFYING = ("run", "serve", "convert", "attack", "harden", "policy explain")
SIGNING = ("convert", "attack", "harden")
SHARED = [(option, command) for option in ("--policy", "--public-key", "--trusted-root") for command in VERIFYING]
SHARED += [("--allow-unsigned", command) for command in VERIFYING[:-1]]
SHARED += [(option, command) for option in ("--sign-key", "--sign-pkcs11-uri", "--key-password-file") for command in SIGNING]
SHARED += [("--public-key", command) for command in ("verify", "provenance show", "provenance export")]


def option_of(command: str, name: str) -> dict[str, Any]:
    """All that a caller sees of an option."""
    (found,) = [parameter for parameter in COMMANDS[f"bridge {command}"].params if name in parameter.opts]
    shown = {key: getattr(found, key) for key in ("opts", "help", "default", "multiple", "required", "is_flag")}
    return {**shown, "type": found.type.name}


@pytest.mark.parametrize(("option", "command"), SHARED)
def test_an_option_of_one_name_means_the_same_in_every_command(option: str, command: str) -> None:
    other = "convert" if option.startswith("--sign") or option == "--key-password-file" else "run"
    assert option_of(command, option) == option_of(other, option)
