"""The page ``docs/the-paper-revisited.md`` and its pictures: every figure in it comes from here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from studies.analysis.absence import Absence
from studies.analysis.influence import PLACEBO
from studies.analysis.judgments_file import read_judgments
from studies.analysis.naive import clopper_pearson, sign_test
from studies.analysis.noninferiority import exact_above
from studies.analysis.result import Result
from studies.analysis.sentence import non_inferiority_sentence, p_text, percent, sentence
from studies.analysis.several import SeveralArms
from studies.analysis.summary import Analysis, analyze
from studies.reports.picture import Picture
from studies.reports.robustness_plot import robustness_picture
from studies.reports.scale_plot import scale_picture, scale_points
from studies.reports.style import PLAIN

FOLDER = Path(__file__).parent
PUBLISHED_VOTES, PUBLISHED_VOTERS, SCALES = 611, 71, 6
SYSTEM, USER = "system prompt", "user prompt"
MARGIN = 0.05
SEED = 20230630


@dataclass(frozen=True, slots=True)
class Page:
    """The page's text, and its pictures by the names of their files."""

    text: str
    pictures: dict[str, bytes]


def page() -> Page:
    """Analyse the replica and write the page."""
    judgments = read_judgments(FOLDER / "judgments.csv")
    scales = {pair.candidate: float(pair.candidate.removeprefix("gamma ")) for pair in judgments.pairs}
    first, second = (
        analyze(judgments, criterion=criterion, margin=MARGIN, scales=scales, seed=SEED)
        for criterion in (SYSTEM, USER)
    )
    pictures = {
        "paper-follows.svg": _scale(first, scales, "Which response follows the system prompt better"),
        "paper-answers.svg": _scale(second, scales, "Which response answers the user better"),
        "paper-robustness.svg": robustness_picture(first.robustness, simulated=False),
    }
    text = "\n".join((*_published(), *_replica(first, second, pictures), *_again()))
    return Page(text, {name: picture.looks[PLAIN] for name, picture in pictures.items()})


def _scale(analysis: Analysis, scales: dict[str, float], title: str) -> Picture:
    several = _several(analysis)
    return scale_picture(scale_points(several, scales), title, simulated=False)


def _several(analysis: Analysis) -> SeveralArms:
    if analysis.several is None:
        message = "the replica has one candidate only"
        raise ValueError(message)
    return analysis.several


def _published() -> Iterator[str]:
    """Yield what the published figures support by themselves."""
    each = round(PUBLISHED_VOTES / SCALES)
    wins, even = round(0.75 * each), round(0.52 * each)
    low, high = clopper_pearson(wins, each)
    thin = each // 3
    thin_wins = round(0.75 * thin)
    thin_p = p_text(sign_test(thin_wins, thin - thin_wins))
    yield from (
        "# The paper, revisited",
        "",
        "“Stay on topic with classifier-free guidance” (Sanchez et al. 2023, section 3.4) let "
        f"{PUBLISHED_VOTERS} people compare guided decoding with standard sampling in {PUBLISHED_VOTES} "
        f"votes over {SCALES} guidance scales: which response follows the system prompt better, and which "
        "answers the user better. At γ = 3 the guided response was preferred in 75 % for the system prompt "
        "and in 52 % for the user's. From this the paper concludes that guidance is preferred, that it "
        "does not degrade the answer, and that the preference peaks at γ = 3. The votes themselves were "
        "never published. What do the figures support?",
        "",
        "This page is made by the program whose documentation it belongs to: "
        "`python manage.py paper_revisited` writes it, its pictures included, and a test fails "
        "when it is not what the program writes.",
        "",
        "## From the published figures alone",
        "",
        f"{PUBLISHED_VOTES} votes over {SCALES} scales are about {each} per scale. If they were independent "
        "of each other:",
        "",
        "| claim | what the figures say | verdict |",
        "|---|---|---|",
        f"| guidance is preferred at γ = 3 (75 %) | {wins} of {each}: exact interval [{percent(low)}, "
        f"{percent(high)}], sign test {p_text(sign_test(wins, each - wins))}. Even if clustering left a "
        f"third of the information, {thin_wins} of {thin}: {thin_p} | stands |",
        f"| the answer is not degraded (52 %) | {even} of {each}, against a loss of more than 5 points: "
        f"one-sided {p_text(exact_above(even, each, bound=0.45))}; of more than 10 points: "
        f"{p_text(exact_above(even, each, bound=0.40))} | not shown at 5 points; at 10 points only if votes "
        "were independent and the margin fixed before |",
        "| the preference peaks at γ = 3 | no comparison of scales was published | untested |",
        "",
        "A difference that is not significant (52 %) is not evidence of no difference: that needs a "
        "margin, named before the data are seen, and an interval inside it.",
        "",
    )


def _replica(first: Analysis, second: Analysis, pictures: dict[str, Picture]) -> Iterator[str]:
    """Yield what judgments of that design show."""
    headline, estimate = first.headline, first.headline.rate.estimate
    of_arms = [row for row in first.robustness if row.clustering != PLACEBO]
    lowest = min(row.ci_low for row in of_arms if row.ci_low is not None)
    yield from (
        "## From judgments of the same design",
        "",
        f"`studies/presets/paper_revisited/replica.csv` is a **synthetic** replica of the design (own "
        f"work, CC0; {first.headline.family // 2} scales, {PUBLISHED_VOTES} comparisons, two questions, "
        "ties, both sides). It is not the authors' data: it shows what can and cannot be learnt from a "
        "study of that shape. `convert.py` beside it turns it into a judgments file, and",
        "",
        "```",
        "python manage.py analyze studies/presets/paper_revisited/judgments.csv --margin 0.05",
        "```",
        "",
        "prints what follows and more.",
        "",
        "### “Preferred in 75 %” stands",
        "",
        f"> {sentence(headline)}",
        "",
        f"{estimate.n} judgments by {estimate.annotators} annotators on {estimate.prompts} prompts are at "
        f"γ = 3. The lowest limit of any interval below is {percent(lowest)} %, "
        "the placebo's apart:",
        "",
        *_shown("paper-robustness.svg", pictures),
        "### “Undegraded” is a question of the margin",
        "",
        *_degraded(second),
        "### “The peak is at 3” needs a test of the peak",
        "",
        *_shown("paper-follows.svg", pictures),
        *_peak(first),
        *_shown("paper-answers.svg", pictures),
        *_highest(second),
        "",
    )


def _highest(analysis: Analysis) -> Iterator[str]:
    """Yield what is said of the highest scale, which claims no more than its corrected test."""
    result = max(
        (result for result in analysis.results if result.criterion == USER),
        key=lambda result: result.pair.candidate,
    )
    yield (
        "What nobody asked is whether high scales make the answers worse. In the replica they lean that way, "
        f"and the corrected test says how far that carries: {sentence(result)}"
    )


def _degraded(analysis: Analysis) -> Iterator[str]:
    rows = [result for result in analysis.results if result.criterion == USER]
    at_three = analysis.headline
    margins = at_three.margins
    p_value = margins.non_inferiority.p_value if margins else None
    adjusted = 1.0 if p_value is None else min(1.0, len(rows) * p_value)
    yield from (
        f"> {non_inferiority_sentence(at_three)}",
        "",
        f"Alone and with the margin fixed before, that would be enough here. But γ = 3 was chosen among "
        f"{len(rows)} scales after the fact, and with Bonferroni's correction for them {p_text(adjusted)}. "
        "The other scales:",
        "",
        "| γ | win rate, user prompt | lower limit, one-sided 95 % | not worse by 5 points? |",
        "|---|---|---|---|",
        *(_margin_row(result) for result in sorted(rows, key=lambda result: result.pair.candidate)),
        "",
    )


def _margin_row(result: Result) -> str:
    found, mean = result.margins, result.rate.estimate.mean
    test = found.non_inferiority if found else None
    if test is None or test.limit is None or test.p_value is None or mean is None:
        return f"| {result.pair.candidate} | – | – | not tested |"
    return (
        f"| {result.pair.candidate.removeprefix('gamma ')} | {percent(mean)} % | {percent(test.limit)} % | "
        f"{test.decision}, {p_text(test.p_value)} |"
    )


def _peak(analysis: Analysis) -> Iterator[str]:
    found = _several(analysis).trend
    if isinstance(found, Absence):
        return
    shares = dict(zip(found.scales, found.best_frequency, strict=True))
    best = max(shares, key=shares.__getitem__)
    rest = ", ".join(
        f"γ = {scale:g} in {100 * share:.0f} %" for scale, share in shares.items() if scale != best
    )
    slope = found.slope
    yield from (
        "The band holds for all scales at once; neighbouring intervals overlap widely. In "
        f"{found.draws} resamples of annotators and prompts γ = {best:g} was the best scale in "
        f"{100 * shares[best]:.0f} %, {rest}. The slope over all scales is "
        f"{100 * slope.estimate:+.1f} points per unit".replace("-", "−")
        + (f" ({p_text(slope.p_value)}). " if slope.p_value is not None else ". ")
        + "A peak claimed after looking at six scales has to be tested as such.",
        "",
    )


def _shown(name: str, pictures: dict[str, Picture]) -> list[str]:
    picture = pictures[name]
    return [f"![{picture.title}. {picture.alternative}](images/{name})", ""]


def _again() -> Iterator[str]:
    yield from (
        "## How to do it again",
        "",
        "Name the primary question, the margin and the scales before the first judgment; let every "
        "comparison be judged several times by different people; report clustered intervals. "
        "`studies/presets/paper_revisited/study.yaml` is such a plan: six scales with an A/A control, the "
        "first claim and then the second within 5 points, as many annotators as the paper had and nearly "
        "as many judgments. `manage.py study import` takes it as it is.",
        "",
    )


def write(root: Path) -> None:
    """Write the page and its pictures below ``root``."""
    made = page()
    images = root / "docs" / "images"
    images.mkdir(parents=True, exist_ok=True)
    (root / "docs" / "the-paper-revisited.md").write_text(made.text, encoding="utf-8")
    for name, data in made.pictures.items():
        (images / name).write_bytes(data)
