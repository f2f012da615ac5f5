"""The table of attacks, each with everything that it was run with."""

from __future__ import annotations

from verify.report.figures import seconds_figure
from verify.report.html.markup import Markup, joined, tag
from verify.report.html.table import Column, Row, table
from verify.robustness.document import Attack, ThreatResult
from verify.robustness.report.sentences import share_text

_COLUMNS = (
    Column("attack"),
    Column("knows"),
    Column("withstand it", "figure"),
    Column("broke of the right", "figure"),
    Column("moved at most", "figure"),
    Column("smallest, median", "figure"),
    Column("queries", "figure"),
    Column("time", "figure"),
)
_SETTINGS = (Column("attack"), Column("seed", "figure"), Column("by"), Column("settings", "prose"))


def attacks(result: ThreatResult) -> Markup | None:
    """One row for each, and the worst case of all in the last."""
    if not result.attacks:
        return None
    rows = [_row(attack) for attack in result.attacks]
    median = "–" if result.distances is None else f"{result.distances.median:.4g}"
    worst = ("worst case", "all", share_text(result.worst), "", "", median, "", seconds_figure(result.seconds))
    rows.append(Row(worst, "total"))
    note = (
        "A sample counts as withstanding when the served model classifies it rightly before and after. Shares carry the interval "
    )
    note += "of Clopper and Pearson at 95 %. The worst case takes each sample's worst over all attacks, not the worst attack."
    settings = table("What each was run with", _SETTINGS, [_settings(attack) for attack in result.attacks])
    folded = tag("details", tag("summary", "What each was run with"), settings)
    return joined(table("Attacks", _COLUMNS, rows), tag("p", note, class_="muted note"), folded)


def _row(attack: Attack) -> Row:
    return Row(
        (
            attack.name,
            attack.kind.value,
            share_text(attack.robust),
            f"{attack.success.count} of {attack.success.total}",
            f"{attack.reach:.4g}",
            "–" if attack.distances is None else f"{attack.distances.median:.4g}",
            "–" if attack.queries is None else f"{attack.queries.median:g}",
            seconds_figure(attack.seconds),
        )
    )


def _settings(attack: Attack) -> Row:
    told = ", ".join(f"{name} {value}" for name, value in attack.settings.items())
    return Row((attack.name, str(attack.seed), attack.library, told or "none"))
