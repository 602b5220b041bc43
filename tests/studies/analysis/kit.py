"""Judgments for the tests of the analysis, and where the larger published data lie."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st

from studies.analysis.judgments_file import parse_judgments
from studies.analysis.records import BOTH_BAD, LOSS, SLOT_A, SLOT_B, TIE, WIN, Judgments, Records

SWAP = np.array([WIN, TIE, BOTH_BAD, LOSS])
"""The outcome for the other arm, by code."""


def cases() -> Path:
    """Return the folder of published data, or skip the test."""
    folder = Path(os.environ.get("EVENHAND_CASES", ""))
    if not (folder / "answers.json").is_file():
        pytest.skip("EVENHAND_CASES names no folder with the published data sets")
    return folder


def make_records(outcome, annotator, prompt, *, comparison=None, slot=None) -> Records:
    """Return records from plain sequences; each judgment is a comparison of its own unless said."""
    n = len(outcome)
    return Records(
        outcome=np.asarray(outcome, dtype=np.int64),
        annotator=np.asarray(annotator, dtype=np.int64),
        prompt=np.asarray(prompt, dtype=np.int64),
        comparison=np.asarray(range(n) if comparison is None else comparison, dtype=np.int64),
        candidate_slot=np.asarray(np.arange(n) % 2 if slot is None else slot, dtype=np.int64),
    )


def grid(outcomes, annotators: int, prompts: int) -> Records:
    """Return one judgment by each annotator on each prompt, outcomes taken in turn."""
    n = annotators * prompts
    cycled = [outcomes[index % len(outcomes)] for index in range(n)]
    return make_records(
        cycled,
        [index // prompts for index in range(n)],
        [index % prompts for index in range(n)],
        comparison=[index % prompts for index in range(n)],
    )


def csv_of(*rows: str, header: str = "comparison,prompt,annotator,candidate_slot,choice") -> bytes:
    """Return a judgments file of the rows given."""
    return "\n".join((header, *rows, "")).encode()


def judgments_of(*rows: str, header: str = "comparison,prompt,annotator,candidate_slot,choice") -> Judgments:
    """Return the judgments of the rows given."""
    return parse_judgments(csv_of(*rows, header=header))


@st.composite
def any_records(draw: st.DrawFn, min_size: int = 0, max_size: int = 40) -> Records:
    """Any small set of judgments, however degenerate."""
    n = draw(st.integers(min_size, max_size))

    def column(values):
        return draw(st.lists(st.sampled_from(values), min_size=n, max_size=n))

    return make_records(
        column([LOSS, TIE, BOTH_BAD, WIN]),
        column(range(5)),
        column(range(4)),
        comparison=column(range(6)),
        slot=column([SLOT_A, SLOT_B]),
    )
