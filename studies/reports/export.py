"""The judgments file, written from the database: the rows that every number of a report rests on."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import chain

from studies.analysis.csv_table import neutralise
from studies.analysis.judgments_file import COLUMNS
from studies.domain.unblinding import signed_strength, unblind
from studies.models import Exclusion, Judgment, Study

_FIELDS = (
    "assignment__comparison_id",
    "assignment__comparison__prompt__name",
    "assignment__comparison__prompt__stratum",
    "assignment__annotator__pseudonym",
    "criterion__name",
    "assignment__comparison__candidate_arm__name",
    "assignment__comparison__baseline_arm__name",
    "assignment__candidate_slot",
    "choice",
    "strength",
    "active_ms",
    "submitted_at",
    "assignment__comparison__kind",
    "assignment__comparison__candidate__token_count",
    "assignment__comparison__baseline__token_count",
    "assignment__annotator_id",
    "pk",
)
# The primary criterion and the first arm come first, because an analysis takes the first it meets.
_ORDER = (
    "-criterion__primary",
    "criterion__position",
    "assignment__comparison__candidate_arm__position",
    "assignment__comparison_id",
    "assignment__ordinal",
)
_CHUNK = 5_000


def judgment_rows(study: Study) -> Iterator[tuple[str, ...]]:
    """Yield one row per judgment in the order of `COLUMNS`, without holding them all."""
    of_annotator, of_judgment = active_rules(study)
    name = named(study)
    judgments = Judgment.objects.filter(assignment__study=study).order_by(*_ORDER)
    for (
        comparison, prompt, stratum, annotator, criterion, candidate, baseline, slot, choice, strength,
        active_ms, submitted_at, kind, candidate_tokens, baseline_tokens, annotator_id, judgment_id,
    ) in judgments.values_list(*_FIELDS).iterator(chunk_size=_CHUNK):  # fmt: skip
        rules = of_annotator.get(annotator_id, set()) | of_judgment.get(judgment_id, set())
        signed = signed_strength(choice, strength, candidate_slot=slot)
        names = (name, str(comparison), prompt, stratum, annotator, criterion, candidate, baseline)
        yield (
            *map(neutralise, names),
            slot,
            choice,
            _text(signed),
            unblind(choice, candidate_slot=slot).value,
            _text(active_ms),
            iso(submitted_at),
            kind,
            "1" if rules else "0",
            ";".join(sorted(rules)),
            str(candidate_tokens),
            str(baseline_tokens),
        )


def named(study: Study) -> str:
    """Return what files call a study; each row of a simulated one says that it is."""
    return f"{study.slug} (SIMULATED)" if study.simulated else study.slug


def active_rules(study: Study) -> tuple[dict[int, set[str]], dict[int, set[str]]]:
    """Return the rules in force, by annotator and by judgment."""
    of_annotator: dict[int, set[str]] = defaultdict(set)
    of_judgment: dict[int, set[str]] = defaultdict(set)
    active = Exclusion.objects.filter(study=study, revoked_at=None)
    for annotator_id, judgment_id, rule in active.values_list("annotator_id", "judgment_id", "rule"):
        if annotator_id is not None:
            of_annotator[annotator_id].add(rule)
        if judgment_id is not None:
            of_judgment[judgment_id].add(rule)
    return of_annotator, of_judgment


def _text(value: int | None) -> str:
    return "" if value is None else str(value)


def iso(moment: datetime) -> str:
    """Return a moment as files write it: ISO 8601, UTC.

    >>> iso(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    '2026-01-02T03:04:05.000Z'
    """
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def judgment_lines(study: Study) -> Iterator[str]:
    """Yield the judgments file line by line, header first."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for row in chain([COLUMNS], judgment_rows(study)):
        writer.writerow(row)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def judgments_bytes(study: Study, tell: Callable[[str, float], None] | None = None) -> bytes:
    """Return the whole judgments file; its SHA-256 is the data hash of a report."""
    total = Judgment.objects.filter(assignment__study=study).count() if tell else 0
    buffer = io.BytesIO()
    for number, line in enumerate(judgment_lines(study)):
        buffer.write(line.encode())
        if tell and number % _CHUNK == 0:
            tell(f"Reading judgments: {number:,} of {total:,}", 0.6 * number / max(1, total))
    return buffer.getvalue()  # the buffer's own bytes, not a copy


def filename(study: Study, what: str, extension: str) -> str:
    """Return what a download is called; a simulated study says so in every file's name."""
    prefix = "SIMULATED-" if study.simulated else ""
    return f"{prefix}{study.slug}-{what}.{extension}"
