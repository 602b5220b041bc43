"""The forest of the headline under other rules."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from matplotlib.figure import Figure

from studies.analysis.robustness import RobustnessRow
from studies.analysis.sentence import percent
from studies.reports.forest import Row, rows_figure
from studies.reports.picture import Picture, draw
from studies.reports.style import Look

_TIES = {"half": "ties counted half", "drop": "ties left out"}
_CLUSTERINGS = {
    "all_looks": "clustered, over all looks",
    "largest": "clustered, the largest",
    "two_way": "clustered both ways",
    "annotators": "clustered by annotator",
    "prompts": "clustered by prompt",
    "bootstrap": "two-way bootstrap",
    "independent": "independent (naive)",
    "glmm": "mixed model, marginal",
    "side_standardised": "sides made equal",
    "equal_length": "at equal length",
    "without_annotator_low": "without one annotator, lowest",
    "without_annotator_high": "without one annotator, highest",
    "without_prompt_low": "without one prompt, lowest",
    "without_prompt_high": "without one prompt, highest",
    "placebo": "arms exchanged by coins (placebo)",
}
_MODELS = {"glmm", "side_standardised", "equal_length"}
_PLACEBO = ("placebo", "control: ")


def _rule(row: RobustnessRow) -> str:
    name = row.clustering
    if name.startswith("control: "):
        return f"{name.removeprefix('control: ')} (A/A control)"
    return _CLUSTERINGS[name]


def words_of(row: RobustnessRow) -> str:
    """Return the combination of rules in words."""
    return f"{_block(row)}: {_rule(row)}"


def _block(row: RobustnessRow) -> str:
    if row.clustering in _MODELS:
        return "Models of decided judgments"
    if row.clustering.startswith("without_"):
        return "Influence of one annotator or prompt"
    if row.clustering.startswith(_PLACEBO):
        return "Where one half is the truth"
    words = _TIES[row.ties_rule].capitalize()
    return words if row.exclusions else f"{words}, nobody excluded"


def robustness_picture(rows: Sequence[RobustnessRow], *, simulated: bool) -> Picture:
    """Return the forest plot of the rows."""
    title = "How the headline changes under other rules"
    return draw("robustness", (title, _alternative(rows)), partial(_figure, rows), simulated=simulated)


def _alternative(rows: Sequence[RobustnessRow]) -> str:
    said = [
        f"{words_of(row)}: {percent(row.win_rate)} %, {percent(row.ci_low)} to {percent(row.ci_high)}."
        for row in rows
        if row.win_rate is not None and row.ci_low is not None and row.ci_high is not None
    ]
    return f"The first row is what was planned. {' '.join(said)}" if said else "No row has an interval."


def _figure(rows: Sequence[RobustnessRow], look: Look) -> Figure:
    blocks: dict[str, list[Row]] = {}
    for row in rows:
        blocks.setdefault(_block(row), []).append(_drawn(row, look))
    return rows_figure(list(blocks.items()), look)


def _drawn(row: RobustnessRow, look: Look) -> Row:
    colours = look.colours
    naive = row.clustering == "independent"
    colour = colours.candidate if row.planned else colours.tie if naive else colours.ink
    label = f"{_rule(row)}{' (planned)' if row.planned else ''}"
    marker = "o" if row.planned else "s" if naive else "D"
    return Row(label, row.win_rate, row.ci_low, row.ci_high, colour, marker, 6.5 if row.planned else 4.5)
