"""A human-evaluation data sheet after HEDS 3.0, filled in from the study as far as the program knows it.

Reference: Shimorina & Belz (2022), The Human Evaluation Datasheet, HumEval workshop at ACL.
"""

from __future__ import annotations

from studies.domain.quality import spoken_rules
from studies.models import Study
from studies.reports.flow import Flow
from studies.reports.preregistration import BLANK


def datasheet(study: Study, counts: Flow) -> str:
    """Return the sheet as Markdown; what only the researcher knows is a marked blank."""
    lines = [f"# Human-evaluation data sheet of “{study.slug}”", ""]
    if study.simulated:
        lines += ["**SIMULATED: a program judged, not people.**", ""]
    for title, rows in (
        ("1. Paper and resources", _paper(study)),
        ("2. System", _system(study)),
        ("3. Sample, evaluators and design", _design(study, counts)),
        ("4. Quality criteria", _criteria(study)),
        ("5. Ethics", _ethics(study)),
    ):
        lines += [f"## {title}", "", "| question | answer |", "|---|---|"]
        lines += [f"| {question} | {_cell(answer)} |" for question, answer in rows]
        lines += [""]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _paper(study: Study) -> list[tuple[str, str]]:
    return [
        ("Link to the paper", BLANK),
        ("Which experiment of the paper", study.title),
        ("Resources", f"Study file, judgments file, codebook and script; plan {study.plan_hash or BLANK}"),
        ("Contact", BLANK),
    ]


def _system(study: Study) -> list[tuple[str, str]]:
    arms = ", ".join(f"{arm.name} ({arm.checkpoint.name})" for arm in study.arms.select_related("checkpoint"))
    families = sorted({prompt.get_family_display() for prompt in study.prompts.all()})
    return [
        ("Input", f"Text: prompts of the kinds {', '.join(families)}"),
        ("Output", "Text: responses of language models"),
        ("Task", "Text generation under different decoding"),
        ("Systems", arms),
        ("Language of prompts and responses", BLANK),
    ]


def _design(study: Study, counts: Flow) -> list[tuple[str, str]]:
    checks = sum(study.checks.values()) if study.checks else 0
    rules = "; ".join(spoken_rules(study)) or "no rule"
    return [
        ("Items evaluated", f"{counts.comparisons} pairs of responses to {counts.prompts} prompts"),
        ("How items were chosen", BLANK),
        ("Statistical power", "See the report: planned and achieved"),
        ("Evaluators who judged", str(counts.annotators_judged)),
        (
            "Evaluators left out",
            f"{counts.annotators_excluded} by rule, {counts.annotators_screened} before",
        ),
        ("Kind of evaluators (experts, paid, known to the authors)", BLANK),
        ("How evaluators were recruited", "By a recruiting site" if study.recruiting else BLANK),
        (
            "Training",
            f"{len(study.practice)} practice pairs, {len(study.comprehension)} questions on the task",
        ),
        ("Evaluators' languages and background", "In the survey" if study.survey else BLANK),
        ("Judgments per item", str(study.overlap)),
        ("Items per evaluator", f"at most {study.quota}"),
        ("Quality control", f"{checks} attention checks and {study.repeats} repeats each; {rules}"),
        ("What evaluators see", "Two responses side by side, blinded, sides balanced"),
        ("Time", f"about {study.minutes} minutes expected" if study.minutes else BLANK),
        ("May evaluators stop or skip?", f"Yes; {counts.skips} comparisons were skipped"),
        ("Where evaluators judge", "On a web page, on their own devices"),
        ("Instructions", study.instructions),
    ]


def _criteria(study: Study) -> list[tuple[str, str]]:
    rows = []
    for one in study.criteria.all():
        role = "primary" if one.primary else "secondary"
        rows += [
            (f"{one.name} ({role}): question", one.question),
            (f"{one.name}: form of answers", f"{one.get_scale_display()}; relative, of a pair"),
            (f"{one.name}: what is meant (correctness, goodness, feature)", BLANK),
        ]
    return [*rows, ("Inter-annotator agreement", "Krippendorff's alpha and Gwet's AC1, in the report")]


def _ethics(study: Study) -> list[tuple[str, str]]:
    return [
        ("Approval by an ethics committee", BLANK),
        ("Consent", study.consent),
        ("Payment, and per hour", BLANK),
        (
            "Personal data",
            "Pseudonyms; external ids stay in the database" if study.recruiting else "Pseudonyms",
        ),
        ("Sensitive content", BLANK),
        ("Impact on evaluators and others", BLANK),
    ]
