"""The options of ``bridge harden`` that say how a network is trained, and against whom."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bridge.harden.options import Training


class NormName(StrEnum):
    """The distances that training withstands: tokens are counted, of one-hot sequences."""

    linf = "linf"
    l2 = "l2"
    tokens = "tokens"


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """What was given of these options."""

    epsilon: Annotated[float, typer.Option("--eps", help="Distance to withstand, in the input's own units.", show_default=False)]
    norm: Annotated[NormName, typer.Option(help="How the distance is measured.")] = NormName.linf
    value_range: Annotated[
        tuple[float, float] | None,
        typer.Option("--range", help="Least and greatest value of the input.  [default: as in interface.json, else in the data]"),
    ] = None
    epochs: Annotated[int, typer.Option(min=1, help="At most so many passes over the training samples.")] = 30
    patience: Annotated[int, typer.Option(min=1, help="Stop after so many epochs without progress.")] = 8
    batch: Annotated[int, typer.Option(min=1, help="Samples in a step of the optimiser.")] = 32
    learning_rate: Annotated[float, typer.Option(help="Of Adam.")] = 1e-3
    steps: Annotated[int, typer.Option(min=1, help="Steps of the attack in training.")] = 7
    reach: Annotated[float, typer.Option(help="How far training's attack goes, in units of --eps.")] = 1.0
    beta: Annotated[float, typer.Option(help="Weight of TRADES' second term.")] = 6.0
    sigma: Annotated[float, typer.Option(help="Noise of smoothing, in the input's own units.")] = 0.25
    temperature: Annotated[float, typer.Option(help="Of distillation.")] = 20.0
    members: Annotated[int, typer.Option(min=2, max=32, help="Networks of an ensemble.")] = 3
    seed: Annotated[int, typer.Option(min=0, help="Of everything that is drawn.")] = 0
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin with new weights.")] = False

    def training(self) -> "Training":
        """The settings. Without a range they bear none of the input's: see ``HardenOptions.find_range``."""
        from bridge.harden.options import Training
        from verify.robustness.threat import Norm

        low, high = self.value_range or (0.0, 1.0)
        return Training(
            self.epsilon,
            low,
            high,
            norm=Norm(self.norm.value),
            epochs=self.epochs,
            patience=self.patience,
            batch=self.batch,
            learning_rate=self.learning_rate,
            steps=self.steps,
            reach=self.reach,
            beta=self.beta,
            sigma=self.sigma,
            temperature=self.temperature,
            members=self.members,
            seed=self.seed,
            fresh=self.fresh,
        )
