"""The judgments file: the CSV contract between a study and everything that analyses it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path

import numpy as np

from studies.analysis.columns import Column, crossed
from studies.analysis.csv_table import MAX_BYTES, JudgmentsFileError, Table, parse_table
from studies.analysis.records import (
    BOTH_BAD,
    LOSS,
    SLOT_A,
    SLOT_B,
    SLOT_UNKNOWN,
    TIE,
    WIN,
    Codes,
    Floats,
    Judgments,
    Pair,
    Records,
)

COLUMNS = (
    "study",
    "comparison",
    "prompt",
    "stratum",
    "annotator",
    "criterion",
    "candidate_arm",
    "baseline_arm",
    "candidate_slot",
    "choice",
    "strength",
    "outcome",
    "active_ms",
    "submitted_at",
    "kind",
    "excluded",
    "exclusion_rule",
    "candidate_tokens",
    "baseline_tokens",
)
"""The columns of a complete file, in order."""
REQUIRED = ("comparison", "prompt", "annotator")
TIME = "submitted_at"
DEFAULT_CRITERION = "preference"
DEFAULT_PAIR = Pair("candidate", "baseline")

CHOICES = ("A", "B", "tie", "both_bad")
OUTCOMES = {"win": WIN, "loss": LOSS, "tie": TIE}
_SLOTS = {"A": SLOT_A, "B": SLOT_B}
_UNBLINDED = {
    (choice, slot): {"tie": TIE, "both_bad": BOTH_BAD}.get(choice, WIN if choice == slot else LOSS)
    for choice in CHOICES
    for slot in _SLOTS
}
_WORDS = {WIN: "win", LOSS: "loss", TIE: "tie", BOTH_BAD: "tie"}
_WHOLE = re.compile(r"[0-9]{0,15}")
_SIGNED = re.compile(r"([+-]?[0-9]{1,3})?")


def read_judgments(path: Path) -> Judgments:
    """Read a judgments file.

    Raises
    ------
    JudgmentsFileError
        Names row and column of the first thing that is wrong.
    OSError
        The file cannot be read.
    """
    if path.stat().st_size > MAX_BYTES:
        message = f"row 1, column 1: the file has more than {MAX_BYTES // 2**20} MB; split it"
        raise JudgmentsFileError(message)
    return parse_judgments(path.read_bytes())


def parse_judgments(data: bytes) -> Judgments:
    r"""Read the bytes of a judgments file; see `read_judgments`.

    Examples
    --------
    >>> minimal = b"comparison,prompt,annotator,outcome\n1,p1,ann,win\n1,p1,bob,tie\n"
    >>> parse_judgments(minimal).records.credit.tolist()
    [1.0, 0.5]
    """
    table = parse_table(data, times=(TIME,))
    _check_header(table)
    _check_details(table)
    criteria = table.names("criterion", DEFAULT_CRITERION)
    pair, pairs = _pairs(table)
    records = _records(table)
    strata = table.cells("stratum")
    times = cache(partial(_times, table.seconds.get(TIME), table.cells(TIME)))
    judgments = Judgments(
        records=records,
        criteria=criteria.values,
        criterion=criteria.codes,
        pairs=pairs,
        pair=pair,
        real=table.one_of("kind", ("real", "check", "repeat"), "real").are("real"),
        excluded=table.one_of("excluded", ("0", "1"), "0").are("1"),
        lengths=_lengths(table),
        strength=_strength(table),
        strata=strata.values,
        stratum=strata.codes if len(strata.values) > 1 else None,
        times=times,
        order=cache(lambda: _order(times(), records.annotator)),
    )
    _check_once(table, judgments)
    return judgments


def _check_header(table: Table) -> None:
    missing = [name for name in REQUIRED if name not in table]
    if "outcome" not in table:
        missing += [name for name in ("candidate_slot", "choice") if name not in table]
    if missing:
        hint = "needed are comparison, prompt, annotator and candidate_slot with choice (or outcome instead)"
        message = f"row 1, column {missing[0]}: missing; {hint}; {_separated(table)}"
        raise JudgmentsFileError(message)


def _separated(table: Table) -> str:
    first = next(iter(table.columns))
    for mark, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if mark in first:
            return f"this file has {name} between its cells, where commas belong"
    return "cells are separated by commas"


def _check_details(table: Table) -> None:
    """Check the columns that describe a judgment without deciding its outcome."""
    for name in ("active_ms", "candidate_tokens", "baseline_tokens"):
        table.refuse(name, table.cells(name), lambda cell: not _WHOLE.fullmatch(cell), "is no whole number")
    if TIME not in table.seconds:
        table.refuse(TIME, table.cells(TIME), _is_no_time, "is no ISO 8601 time")


def _lengths(table: Table) -> tuple[Floats, Floats] | None:
    """Return both columns of tokens, or nothing when no row has any."""
    columns = [table.cells(name) for name in ("candidate_tokens", "baseline_tokens")]
    if not all(any(cells.values) for cells in columns):
        return None
    candidate, baseline = (
        cells.of_each(float(cell) if cell else np.nan for cell in cells.values) for cells in columns
    )
    return candidate, baseline


def _strength(table: Table) -> Floats | None:
    """Return the signed scores, or nothing when no row has one."""
    cells = table.cells("strength")
    if not any(cells.values):
        return None
    return cells.of_each(float(cell) if cell else np.nan for cell in cells.values)


def _times(seconds: Floats | None, cells: Column) -> Floats | None:
    """Return when each was judged, or nothing when a row does not say."""
    if seconds is not None or not all(cells.values):
        return seconds
    return cells.of_each(map(_seconds, cells.values))


def _order(times: Floats | None, annotator: Codes) -> Floats | None:
    """Return how many earlier times the same annotator has, or nothing when a row has no time."""
    if times is None:
        return None
    by_time = np.lexsort((times, annotator))
    starts = np.diff(annotator[by_time], prepend=annotator[by_time[0]] - 1) != 0
    later = np.diff(times[by_time], prepend=times[by_time[0]]) > 0
    steps = np.cumsum(later & ~starts)
    first = np.maximum.accumulate(np.where(starts, steps, 0))
    order = np.empty(len(times))
    order[by_time] = steps - first
    return order


def _seconds(cell: str) -> float:
    moment = datetime.fromisoformat(cell)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _is_no_time(cell: str) -> bool:
    try:
        datetime.fromisoformat(cell or "2000-01-01")
    except ValueError:
        return True
    return False


def _pairs(table: Table) -> tuple[Codes, tuple[Pair, ...]]:
    candidates = table.names("candidate_arm", DEFAULT_PAIR.candidate)
    baselines = table.names("baseline_arm", DEFAULT_PAIR.baseline)
    codes, first = crossed(candidates.codes, baselines.codes)
    pairs = tuple(
        Pair(candidates.values[candidates.codes[row]], baselines.values[baselines.codes[row]])
        for row in first.tolist()
    )
    for pair, row in zip(pairs, first.tolist(), strict=True):
        if pair.candidate == pair.baseline:
            table.fail(row, "baseline_arm", f"{pair.baseline!r} is the candidate arm too")
    return codes, pairs


def _records(table: Table) -> Records:
    outcome, slot = _outcomes(table)
    _check_strength(table, outcome)
    study = table.cells("study")

    def cluster(column: str) -> Codes:
        names = table.names(column, "")
        if len(study.values) > 1:  # the same pseudonym in two studies is two people
            return crossed(study.codes, names.codes)[0]
        return names.codes

    return Records(outcome, cluster("annotator"), cluster("prompt"), cluster("comparison"), slot)


def _outcomes(table: Table) -> tuple[Codes, Codes]:
    """Return outcome and candidate's slot of each judgment; crossing from slots to arms where needed."""
    slots = table.one_of("candidate_slot", tuple(_SLOTS)) if "candidate_slot" in table else None
    choices = table.one_of("choice", CHOICES) if "choice" in table else None
    slot = np.full(len(table), SLOT_UNKNOWN, dtype=np.int64) if slots is None else _numbers(slots, _SLOTS)
    if slots is None or choices is None:
        outcome = _numbers(table.one_of("outcome", tuple(OUTCOMES)), OUTCOMES)
        if choices is not None:
            outcome[choices.are("both_bad") & (outcome == TIE)] = BOTH_BAD
        return outcome, slot
    said = [[_UNBLINDED[choice, place] for place in slots.values] for choice in choices.values]
    outcome = np.array(said, dtype=np.int64)[choices.codes, slots.codes]
    _check_outcome(table, outcome)
    return outcome, slot


def _numbers(column: Column, numbers: Mapping[str, int]) -> Codes:
    return np.array([numbers[value] for value in column.values], dtype=np.int64)[column.codes]


def _check_outcome(table: Table, outcome: Codes) -> None:
    """Refuse an outcome that contradicts the choice and the candidate's slot."""
    if "outcome" not in table:
        return
    said = table.one_of("outcome", tuple(OUTCOMES))
    wrong = _numbers(said, OUTCOMES) != np.where(outcome == BOTH_BAD, TIE, outcome)
    if np.any(wrong):
        index = int(np.argmax(wrong))
        word, code = said.values[said.codes[index]], int(outcome[index])
        problem = f"{word!r} contradicts candidate_slot and choice, which say {_WORDS[code]!r}"
        table.fail(index, "outcome", problem)


def _check_strength(table: Table, outcome: Codes) -> None:
    cells = table.cells("strength")
    if not any(cells.values):
        return
    table.refuse("strength", cells, lambda cell: not _SIGNED.fullmatch(cell), "is no signed whole number")
    sign = cells.of_each(np.sign(int(cell)) if cell else np.nan for cell in cells.values)
    expected = np.select([outcome == WIN, outcome == LOSS], [1.0, -1.0], 0.0)
    wrong = ~np.isnan(sign) & (sign != expected)
    if np.any(wrong):
        index = int(np.argmax(wrong))
        cell, code = cells.values[cells.codes[index]], int(outcome[index])
        table.fail(index, "strength", f"{cell!r} contradicts the outcome {_WORDS[code]!r}")


def _check_once(table: Table, judgments: Judgments) -> None:
    """Refuse a second judgment of the same comparison and criterion by the same annotator."""
    records = judgments.records
    key = np.zeros(len(table), dtype=np.int64)
    real = judgments.real.astype(np.int64)
    parts = (records.comparison, records.annotator, judgments.criterion, judgments.pair, real)
    for part in parts:  # numbered anew each time, so that the product cannot overflow
        if int(part.max()) > 0:
            key, _ = crossed(key, part)
    _, first = crossed(key, np.zeros_like(key))
    if len(first) < len(table):
        again = np.ones(len(table), dtype=np.bool_)
        again[first] = False
        index = int(np.argmax(again))
        earlier = table.numbers[int(first[key[index]])]
        table.fail(
            index, "annotator", f"has judged this comparison by this criterion before, in row {earlier}"
        )
