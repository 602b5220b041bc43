"""How the numbers were made, what they cannot say, and where the methods come from."""

from __future__ import annotations

from django.utils.safestring import mark_safe

from generation.models import ENDPOINT
from studies.analysis.plan import GATEKEEPING
from studies.analysis.summary import Analysis
from studies.reports.document import Block, Code, Formula, Items, Prose, Section
from studies.reports.sections import level
from studies.reports.summary import ReportSummary

_TWO_WAY = Formula(
    html=mark_safe(  # our own words
        "<i>V</i> = <i>V</i><sub>A</sub> + <i>V</i><sub>P</sub> − <i>V</i><sub>AP</sub>, &ensp; "
        "<i>V</i><sub>C</sub> = <i>G</i><sub>C</sub> ∕ (<i>G</i><sub>C</sub> − 1) · Σ<sub><i>g</i></sub> "
        "(Σ<sub><i>i</i> ∈ <i>g</i></sub> (<i>y<sub>i</sub></i> − <i>ȳ</i>))² ∕ <i>n</i>²"
    ),
    typst=(
        'V = V_"A" + V_"P" - V_"AP", quad V_C = G_C / (G_C - 1) dot 1 / n^2 '
        "sum_g (sum_(i in g) (y_i - macron(y)))^2"
    ),
)


def methods(summary: ReportSummary) -> Section:
    """Return the methods' text, limitations and references."""
    return Section("methods", "Methods", (*_text(summary), _limits(summary), _references()))


def _text(summary: ReportSummary) -> tuple[Block, ...]:
    analysis = summary.analysis
    drop = analysis is not None and analysis.ties_rule == "drop"
    family = len(analysis.results) if analysis else 0
    return (
        Prose(
            "Annotators saw both responses without knowing which arm wrote them, in slots A and B in "
            "balanced random order. A judgment gives the candidate the credit y = 1 when its response is "
            "preferred, ½ when neither is (tie or both bad) and 0 otherwise. The win rate is the mean of y"
            + (", ties left out." if drop else ".")
        ),
        Prose(
            "Judgments by one annotator, and on one prompt, are correlated, so the variance of the win "
            "rate is computed from cluster sums of residuals (Cameron, Gelbach and Miller 2011):"
        ),
        _TWO_WAY,
        Prose(
            "for annotators A, prompts P and their cells AP. The largest of V, its two one-way parts and the "
            "independent variance is used, with Student’s t and one degree of freedom less than there are "
            "annotators, or prompts where those are fewer, "
            f"two-sided against ½. The interval of {level(summary)} % is on the scale of the win rate and "
            "clipped to [0, 1]. When all judgments agree, the interval counts each cluster once and is exact."
        ),
        *_from_servers(summary),
        Prose(_corrections(analysis, family) + _beside(summary)),
        Prose(
            "Beside the headline: rows of robustness under other rules; a logit with the same clustering for "
            "side, length (tanh of the standardised difference, Dubois et al. 2024) and order; a logistic "
            "model with crossed random intercepts by Laplace’s approximation (Breslow and Clayton 1993); "
            "rates of annotators and prompts shrunk to their mean (Efron and Morris 1975). More than two "
            "arms: Bradley-Terry scores with Davidson’s ties (1970) and simultaneous intervals by the "
            "largest t statistic (Hothorn, Bretz and Westfall 2008). None of them decides anything here."
        ),
    )


def _from_servers(summary: ReportSummary) -> tuple[Prose, ...]:
    """Say of which arms the texts cannot be made again."""
    arms = [arm for arm in summary.design.arms if arm.source.startswith(ENDPOINT)]
    if not arms:
        return ()
    called = "; ".join(f"{arm.name}: {arm.checkpoint}, {arm.source.removeprefix(ENDPOINT)}" for arm in arms)
    return (
        Prose(
            f"A server wrote the responses of some arms ({called}). It was sent the prompt and what "
            "stands under Design. Its weights, its software and what else it does to a prompt are not "
            "known beyond what it reported of itself, and may change at any time, so these responses cannot "
            "be generated again; the stored texts are the only record of them."
        ),
    )


def _corrections(analysis: Analysis | None, family: int) -> str:
    if family < 2:  # noqa: PLR2004 - one test needs no correction
        return ""
    if analysis is not None and analysis.multiplicity == GATEKEEPING:
        return (
            "Claims are tested in the plan’s order, each only after every one before it was shown (Maurer, "
            "Hothorn and Lehmacher 1995), with alpha shared equally among candidate arms; decisions rest on "
            "the p-values in order. "
        )
    return (
        f"The {family} tests of this report (criteria × candidate arms) are corrected together by Holm’s "
        "method (1979); decisions rest on the corrected p-values. "
    )


def _beside(summary: ReportSummary) -> str:
    return (
        "The design effect is the variance used over the independent variance; the effective n is n over it. "
        "Wilson’s interval (1927) and the exact sign test assume independent judgments and take decided ones "
        "only; they are shown for comparison and decide nothing. Agreement: Krippendorff’s α for nominal "
        "categories (win, tie, both bad, loss) with a percentile interval over 2\u202f000 resampled "
        f"comparisons (seed {summary.integrity.seed}), and Gwet’s AC1 (2008)."
    )


def _limits(summary: ReportSummary) -> Items:
    items = [
        "A preference that was not shown is not shown to be absent; equivalence or non-inferiority needs a "
        "margin fixed beforehand.",
        "The interval speaks for annotators and prompts like these ones, and for this checkpoint and these "
        "decoding settings.",
        "Guided responses may differ in length; the headline does not adjust for it.",
        "Secondary criteria support the primary one; they do not replace it.",
    ]
    if summary.integrity.simulated:
        items.append("The judgments are SIMULATED: nothing here is evidence about the models.")
    return Items(tuple(items), title="Limitations")


def _references() -> Items:
    return Items(
        (
            "Cameron, A. C., Gelbach, J. B., Miller, D. L. (2011). Robust inference with multiway "
            "clustering. Journal of Business & Economic Statistics 29, 238–249.",
            "Breslow, N. E., Clayton, D. G. (1993). Approximate inference in generalized linear mixed "
            "models. Journal of the American Statistical Association 88, 9–25.",
            "Davidson, R. R. (1970). On extending the Bradley-Terry model to accommodate ties. Journal of "
            "the American Statistical Association 65, 317–328.",
            "Dubois, Y., Galambosi, B., Liang, P., Hashimoto, T. (2024). Length-controlled AlpacaEval. "
            "arXiv:2404.04475.",
            "Efron, B., Morris, C. (1975). Data analysis using Stein’s estimator. Journal of the American "
            "Statistical Association 70, 311–319.",
            "Gwet, K. L. (2008). Computing inter-rater reliability and its variance in the presence of high "
            "agreement. British Journal of Mathematical and Statistical Psychology 61, 29–48.",
            "Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian "
            "Journal of Statistics 6, 65–70.",
            "Hothorn, T., Bretz, F., Westfall, P. (2008). Simultaneous inference in general parametric "
            "models. Biometrical Journal 50, 346–363.",
            "Krippendorff, K. (2011). Computing Krippendorff’s alpha-reliability. University of "
            "Pennsylvania.",
            "Lan, K. K. G., DeMets, D. L. (1983). Discrete sequential boundaries for clinical trials. "
            "Biometrika 70, 659–663.",
            "Maurer, W., Hothorn, L. A., Lehmacher, W. (1995). Multiple comparisons in drug clinical trials "
            "and preclinical assays. Biometrie in der chemisch-pharmazeutischen Industrie 6, 3–18.",
            "Sanchez, G. et al. (2023). Stay on topic with classifier-free guidance. arXiv:2306.17806.",
            "Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. "
            "Journal of the American Statistical Association 22, 209–212.",
        ),
        title="References",
        small=True,
    )


def recomputation(summary: ReportSummary) -> Section:
    """Return how every number can be had again."""
    command = (
        f"python manage.py study judgments {summary.slug} --out judgments.csv\n"
        f"python manage.py analyze judgments.csv --ties {summary.design.ties_rule} "
        f"--seed {summary.integrity.seed} --json\n"
        f"python manage.py study report {summary.slug} --format json --out report.json"
    )
    words = (
        "Every number here can be had from the judgments file whose hash stands under Integrity. The script "
        "recompute.py does it for the results with numpy and scipy alone (python recompute.py judgments.csv "
        "--against report.json); the program itself does it for all:"
    )
    return Section("downloads", "Data and recomputation", (Prose(words), Code(command)))
