"""The options of ``bridge sign`` that state where a model comes from."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.errors import InvalidOptionError

if TYPE_CHECKING:
    from bridge.trust.provenance.training import TrainingFacts

Provenance = Annotated[
    bool, typer.Option("--provenance", help="State where the model comes from, too, in claims beside the signature.")
]
Description = Annotated[
    Path | None, typer.Option(help="YAML file with what cannot be found out: purpose, owner, data, metrics, limitations.")
]
Repository = Annotated[
    Path | None, typer.Option(help="Training repository.  [default: that of the script, else of the current folder]")
]
Script = Annotated[Path | None, typer.Option(help="Training script.", show_default=False)]
Configuration = Annotated[Path | None, typer.Option(help="Configuration of the training.", show_default=False)]
Datasets = Annotated[
    list[Path] | None,
    typer.Option("--dataset", help="Folder of a data set, or its manifest (`bridge provenance manifest`); may be repeated."),
]
TrainingPython = Annotated[
    Path | None, typer.Option(help="Python that the training ran under, asked for its packages.  [default: this one]")
]
Anonymous = Annotated[bool, typer.Option("--anonymous", help="Leave out who states it and on what machine.")]


@dataclass(frozen=True, slots=True)
class ProvenanceOptions:
    """What was given of these options."""

    provenance: bool
    description: Path | None
    repository: Path | None
    script: Path | None
    configuration: Path | None
    datasets: Sequence[Path]
    training_python: Path | None
    anonymous: bool

    def collected(self) -> "TrainingFacts | None":
        """The facts to state; ``None`` without ``--provenance``. Raises ``InvalidOptionError``."""
        if not self.provenance:
            given = (self.description, self.repository, self.script, self.configuration, self.training_python)
            if any(given) or self.datasets or self.anonymous:
                raise InvalidOptionError("--description, --script and their like are for provenance: give --provenance too")
            return None
        from bridge.trust.provenance.training import collect

        return collect(
            description=self.description,
            repository=self.repository,
            script=self.script,
            configuration=self.configuration,
            datasets=self.datasets,
            training_python=self.training_python,
            personal=not self.anonymous,
        )
