"""What every column of the judgments file means."""

from __future__ import annotations

from studies.reports.summary import ReportSummary

MEANING = {
    "study": ("text", "The study's short name; “(SIMULATED)” stands behind it when a program judged."),
    "comparison": ("text", "A prompt with two completions. Judgments of the same comparison share it."),
    "prompt": ("text", "The prompt's name: one of the two clusters."),
    "stratum": ("text", "The prompt's stratum, or empty."),
    "annotator": ("text", "The annotator's pseudonym: the other cluster."),
    "criterion": ("text", "Which question was answered."),
    "candidate_arm": ("text", "The arm that is tested. Every outcome is told from its side."),
    "baseline_arm": ("text", "The arm that it is compared with."),
    "candidate_slot": ("A or B", "In which slot of the screen the candidate's text stood."),
    "choice": (
        "A, B, tie or both_bad",
        "What was chosen, as the annotator saw it: a slot, neither, or that both are bad.",
    ),
    "strength": (
        "whole number or empty",
        "On graded scales, how strongly: above 0 for the candidate, below 0 for the baseline.",
    ),
    "outcome": ("win, loss or tie", "The choice from the candidate's side; “both bad” is a tie here."),
    "active_ms": (
        "whole number or empty",
        "Milliseconds for which the comparison was open and attended to; all its criteria share it.",
    ),
    "submitted_at": ("ISO 8601, UTC", "When the judgment was stored."),
    "kind": (
        "real, check or repeat",
        "A real comparison, an attention check, or a repeat with the slots exchanged. Only real ones count.",
    ),
    "excluded": ("0 or 1", "1 when a rule in force leaves the judgment out of the results."),
    "exclusion_rule": ("text", "The rules that do, separated by semicolons; empty otherwise."),
    "candidate_tokens": ("whole number or empty", "Tokens of the candidate's text."),
    "baseline_tokens": ("whole number or empty", "Tokens of the baseline's text."),
}
"""Column by column: which values there are, and what they say."""


def codebook(summary: ReportSummary) -> bytes:
    """Return the codebook as Markdown."""
    simulated = ["**SIMULATED: a program judged, not people.**", ""] if summary.integrity.simulated else []
    lines = [
        f"# Codebook of the judgments file of “{summary.slug}”",
        "",
        *simulated,
        "One row per judgment: one annotator, one comparison, one criterion. UTF-8, separated by commas, "
        "quoted where needed. A text that begins like a formula has an apostrophe before it, so that no "
        "spreadsheet runs it.",
        "",
        "| column | values | meaning |",
        "|---|---|---|",
        *(f"| `{column}` | {values} | {meaning} |" for column, (values, meaning) in MEANING.items()),
        "",
        f"SHA-256 of the file: `{summary.integrity.data_sha256}`",
        "",
    ]
    return "\n".join(lines).encode()
