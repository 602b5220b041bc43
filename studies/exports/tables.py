"""Every table of an export with the meaning of every column: the codebook and the files are made of these."""

from __future__ import annotations

from studies.exports import log, rows
from studies.exports.columns import Column, Table, Type
from studies.reports.codebook import MEANING

_TEXT, _WHOLE, _NUMBER, _FLAG, _TIME, _DATA = Type
_COMPARISON = Column(
    "comparison", _WHOLE, "The comparison's number in this study; see the table comparisons."
)
_ANNOTATOR = Column("annotator", _TEXT, "The annotator's pseudonym.")
_PROMPT = Column("prompt", _TEXT, "The prompt's name in the study file.")
_ARMS = (
    Column("candidate_arm", _TEXT, "The arm that is tested."),
    Column("baseline_arm", _TEXT, "The arm that it is compared with."),
)


def _maybe(name: str, kind: Type, meaning: str) -> Column:
    """Return a column whose cells may be unknown."""
    return Column(name, kind, meaning, optional=True)


def _judgment(name: str, kind: Type, *, optional: bool = False) -> Column:
    """Return a column of the judgments file, which has one codebook already."""
    return Column(name, kind, MEANING[name][1], optional=optional)


JUDGMENTS = Table(
    "judgments",
    "One row per judgment: one annotator, one comparison, one criterion.",
    (
        _judgment("study", _TEXT),
        _COMPARISON,
        _judgment("prompt", _TEXT),
        _judgment("stratum", _TEXT),
        _judgment("annotator", _TEXT),
        _judgment("criterion", _TEXT),
        _judgment("candidate_arm", _TEXT),
        _judgment("baseline_arm", _TEXT),
        _judgment("candidate_slot", _TEXT),
        _judgment("choice", _TEXT),
        _judgment("strength", _WHOLE, optional=True),
        _judgment("outcome", _TEXT),
        _judgment("active_ms", _WHOLE, optional=True),
        _judgment("submitted_at", _TIME),
        _judgment("kind", _TEXT),
        _judgment("excluded", _FLAG),
        _judgment("exclusion_rule", _TEXT),
        _judgment("candidate_tokens", _WHOLE),
        _judgment("baseline_tokens", _WHOLE),
        Column("ticked", _DATA, "The reasons that were ticked, of those that the study offers."),
        Column("reason", _TEXT, "The reason in the annotator's own words; empty when none was given."),
    ),
    rows.judgments,
)
COMPARISONS = Table(
    "comparisons",
    "One row per pair of completions: real ones, attention checks, repeats, and pairs left out.",
    (
        _COMPARISON,
        _PROMPT,
        *_ARMS,
        Column("replicate", _WHOLE, "Which completion of both arms: 0 is the first."),
        Column("kind", _TEXT, "real, check, repeat, or out: left out of the plan before opening."),
        Column("identical", _FLAG, "1 when both texts are the same: a tie that was never shown."),
        Column("decoy_made", _TEXT, "How the inferior response of a check was made; empty otherwise."),
        Column("replaced", _TEXT, "Of a check, which side gave way to the decoy: candidate or baseline."),
        Column("decoy", _TEXT, "The inferior response of a check."),
        Column("intact", _TEXT, "The better response of a check that the researcher wrote."),
        Column("asked", _TEXT, "The prompt of such a check."),
    ),
    rows.comparisons,
)
ASSIGNMENTS = Table(
    "assignments",
    "One row per row of the slot plan: which order was shown to whom.",
    (
        _COMPARISON,
        _maybe("ordinal", _WHOLE, "1 to k in a comparison; unknown for an annotator's own check or repeat."),
        _maybe("annotator", _TEXT, "The pseudonym of whoever held the row last; unknown when nobody did."),
        Column("candidate_slot", _TEXT, "In which slot the candidate's text stood: A or B."),
        Column("sort_key", _WHOLE, "The stored random order in which rows were given out."),
        _maybe("leased_at", _TIME, "When the row was given out."),
        _maybe("lease_expires_at", _TIME, "Until when it was held for the annotator."),
        _maybe("submitted_at", _TIME, "When it was answered."),
    ),
    rows.assignments,
)
COMPLETIONS = Table(
    "completions",
    "One row per text that an arm wrote, with how it came about.",
    (
        _PROMPT,
        Column("arm", _TEXT, "The arm that wrote it."),
        Column("replicate", _WHOLE, "0 for the first completion of the prompt by the arm."),
        Column("checkpoint", _TEXT, "The checkpoint or server that wrote it."),
        Column("text", _TEXT, "The completion."),
        Column("finish_reason", _TEXT, "stop, or length when it was cut off at the limit."),
        Column("token_count", _WHOLE, "How many tokens were written."),
        Column("prompt_tokens", _WHOLE, "How many tokens the prompt has."),
        Column(
            "token_ids", _DATA, "The tokens as the checkpoint counts them; empty when they are not known."
        ),
        Column("attempts", _WHOLE, "How often a worker began it."),
        Column("seconds", _NUMBER, "How long the writing took."),
        Column("forward_flops", _NUMBER, "Floating point operations of the forward passes; 0 when unknown."),
        Column("finished_at", _TIME, "When it was finished."),
        Column("request", _DATA, "What was asked of the generator: decoding, noise, prompt."),
        Column("provenance", _DATA, "Engine, versions, device, hashes of weights: what it was written with."),
    ),
    rows.completions,
)
ANNOTATORS = Table(
    "annotators",
    "One row per annotator, by pseudonym.",
    (
        _ANNOTATOR,
        Column("status", _TEXT, "active, finished, or screened: screened out by the comprehension check."),
        Column("simulated", _FLAG, "1 when a program judged."),
        Column("created_at", _TIME, "When they came."),
        _maybe("consented_at", _TIME, "When they agreed to take part."),
        Column("consent_hash", _TEXT, "SHA-256 of the text that they agreed to."),
        _maybe("instructed_at", _TIME, "When they had read the instructions."),
        Column("practised", _WHOLE, "How many practice pairs they went through."),
        Column("attempts", _WHOLE, "Failed attempts at the comprehension check."),
        _maybe("understood_at", _TIME, "When they passed it."),
        _maybe("compared_at", _TIME, "When nothing was left for them to compare."),
        _maybe("surveyed_at", _TIME, "When they answered the survey."),
        _maybe("finished_at", _TIME, "When they came to the end."),
        _maybe("erased_at", _TIME, "When what was known of them as a person was erased."),
    ),
    rows.annotators,
)
EXCLUSIONS = Table(
    "exclusions",
    "One row per flag that leaves an annotator, or one judgment, out of the results; revoked ones too.",
    (
        _ANNOTATOR,
        _maybe("comparison", _WHOLE, "Of a single judgment, its comparison; unknown for a whole annotator."),
        _maybe("criterion", _TEXT, "Of a single judgment, its criterion."),
        Column("rule", _TEXT, "The named rule."),
        Column("reason", _TEXT, "Why, in words."),
        Column("created_at", _TIME, "When the flag was set."),
        _maybe("revoked_at", _TIME, "When it was taken off again; unknown while it is in force."),
    ),
    rows.exclusions,
)
SKIPS = Table(
    "skips",
    "One row per comparison that an annotator gave back.",
    (
        _ANNOTATOR,
        _COMPARISON,
        Column("reason", _TEXT, "Why, in the annotator's words."),
        Column("created_at", _TIME, "When."),
    ),
    rows.skips,
)
REFUSALS = Table(
    "refusals",
    "One row for everybody who did not agree to take part, and nothing about them.",
    (Column("day", _TEXT, "The day, as YEAR-MONTH-DAY."),),
    rows.refusals,
)
AUDIT = Table(
    "audit",
    "The study's log: who did what. An export or a download changes no study and stays out.",
    (
        Column("at", _TIME, "When."),
        Column("actor", _TEXT, "Who: a login, or the command that did it."),
        Column("action", _TEXT, "What was done."),
        _maybe("before", _DATA, "What there was before."),
        _maybe("after", _DATA, "What there was afterwards; both are withheld while they would unblind."),
        Column(
            "study_id", _WHOLE, "The study's id in the installation that wrote the entry; its hash counts it."
        ),
        Column("previous_hash", _TEXT, "The hash of the entry before it in that installation, of any study."),
        Column("hash", _TEXT, "SHA-256 of previous_hash and the entry."),
    ),
    log.rows,
)
REPORTS = Table(
    "reports",
    "One row per stored report; its files lie in reports/NUMBER as they were made.",
    (
        Column("number", _WHOLE, "The report's number."),
        Column("kind", _TEXT, "interim: of a study that still collected; final: of a closed one."),
        Column("asked_by", _TEXT, "Who asked for it."),
        Column("asked_at", _TIME, "When."),
        _maybe("read_at", _TIME, "When the judgments were begun to be read."),
        Column("made_at", _TIME, "When it was done."),
        Column("judgments", _WHOLE, "Judgments that it rests on."),
        Column("judgments_hash", _TEXT, "SHA-256 of the judgments file that it rests on."),
        Column("plan_hash", _TEXT, "SHA-256 of the frozen plan."),
        Column("seed", _WHOLE, "The seed of its resampling."),
        Column("versions", _DATA, "The software that made it."),
    ),
    rows.reports,
)
IDENTITIES = Table(
    "identities",
    "Personal: by which id a recruiting site knows an annotator.",
    (
        _ANNOTATOR,
        Column("external_id", _TEXT, "The recruiting site's id of the person."),
        Column("session_id", _TEXT, "The recruiting site's word for the visit."),
    ),
    rows.identities,
)
SURVEY = Table(
    "survey",
    "Personal: what annotators said of themselves, one row per answer.",
    (
        _ANNOTATOR,
        Column("question", _TEXT, "The question's name in the study file."),
        Column("answer", _DATA, "The answer: a text, a number, or a list of what was ticked."),
    ),
    rows.survey,
)

ALWAYS = (ANNOTATORS, EXCLUSIONS, REFUSALS, AUDIT)
"""What tells nothing of which arm wrote what."""
UNBLINDED = (COMPLETIONS, COMPARISONS, ASSIGNMENTS, JUDGMENTS, SKIPS, REPORTS)
"""What follows once the study is closed."""
PERSONAL = (IDENTITIES, SURVEY)
"""What is written only when it is asked for, into a folder of its own."""
TABLES = (*ALWAYS, *UNBLINDED, *PERSONAL)
