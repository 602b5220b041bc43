"""The CSV contract: what is read, and how everything malformed is named."""

import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.analysis import csv_table
from studies.analysis.csv_table import JudgmentsFileError, neutralise, restore
from studies.analysis.judgments_file import COLUMNS, parse_judgments, read_judgments
from studies.analysis.records import BOTH_BAD, LOSS, SLOT_A, SLOT_B, SLOT_UNKNOWN, TIE, WIN, Pair
from studies.domain.unblinding import unblind
from studies.enums import Choice, Slot
from tests.studies.analysis.kit import csv_of, judgments_of

FULL = (
    "s,1,p1,chat,a1,overall,guided,standard,A,A,2,win,900,2026-01-02T03:04:05Z,real,0,,12,14",
    "s,2,p2,chat,a1,overall,guided,standard,B,A,-1,loss,900,2026-01-02T03:04:06+00:00,check,0,,12,14",
    "s,3,p3,chat,a1,overall,guided,standard,B,both_bad,0,tie,,,real,1,too-fast,,",
)


def refusal(data: bytes) -> str:
    with pytest.raises(JudgmentsFileError) as caught:
        parse_judgments(data)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_complete_file():
    judgments = judgments_of(*FULL, header=",".join(COLUMNS))

    assert judgments.records.outcome.tolist() == [WIN, LOSS, BOTH_BAD]
    assert judgments.records.candidate_slot.tolist() == [SLOT_A, SLOT_B, SLOT_B]
    assert judgments.real.tolist() == [True, False, True]
    assert judgments.excluded.tolist() == [False, False, True]
    assert judgments.analysed.tolist() == [True, False, False]
    assert judgments.pairs == (Pair("guided", "standard"),)


def test_a_minimal_file_takes_defaults():
    judgments = judgments_of("1,p1,a1,B,tie", "1,p1,a2,A,B")

    assert judgments.records.outcome.tolist() == [TIE, LOSS]
    assert judgments.criteria == ("preference",)
    assert judgments.pairs == (Pair("candidate", "baseline"),)
    assert judgments.analysed.all()


def test_an_outcome_may_stand_for_slot_and_choice():
    judgments = judgments_of("1,p1,a1,loss", header="comparison,prompt,annotator,outcome")

    assert judgments.records.outcome.tolist() == [LOSS]
    assert judgments.records.candidate_slot.tolist() == [SLOT_UNKNOWN]


def test_a_byte_order_mark_other_columns_and_blank_lines_are_accepted():
    header = "\ufeffcomparison,note,prompt,annotator,candidate_slot,choice"

    judgments = judgments_of('1,"two\nlines",p1,a1,A,A', "", "2,,p1,a1,A,B", header=header)

    assert judgments.records.outcome.tolist() == [WIN, LOSS]


@pytest.mark.parametrize("slot", Slot.values)
@pytest.mark.parametrize("choice", Choice.values)
def test_the_file_unblinds_as_the_site_does(choice, slot):
    judgments = judgments_of(f"1,p1,a1,{slot},{choice}")

    words = {WIN: "win", LOSS: "loss", TIE: "tie", BOTH_BAD: "tie"}
    assert words[int(judgments.records.outcome[0])] == unblind(choice, candidate_slot=slot)


def test_the_same_pseudonym_in_two_studies_is_two_people():
    header = "study,comparison,prompt,annotator,candidate_slot,choice"

    judgments = judgments_of("s,1,p1,a1,A,A", "t,1,p1,a1,A,A", header=header)

    assert len(np.unique(judgments.records.annotator)) == 2
    assert len(np.unique(judgments.records.comparison)) == 2


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "row 1, column 1: the file is empty; it needs a header and one row per judgment"),
        (csv_of(), "row 2, column comparison: there are no rows below the header"),
        (
            csv_of("1,p1,a1,A", header="comparison,prompt,annotator,choice"),
            "row 1, column candidate_slot: missing; needed are comparison, prompt, annotator and "
            "candidate_slot with choice (or outcome instead); cells are separated by commas",
        ),
        (
            csv_of("1;p1;a1;A;A", header="comparison;prompt;annotator;candidate_slot;choice"),
            "row 1, column comparison: missing; needed are comparison, prompt, annotator and candidate_slot "
            "with choice (or outcome instead); this file has semicolons between its cells, where commas "
            "belong",
        ),
        (
            gzip.compress(csv_of("1,p1,a1,A,A")),
            "row 1, column 1: the file is compressed with gzip; unpack it first",
        ),
        (
            b"PK\x03\x04 and so on",
            "row 1, column 1: the file is a ZIP archive or an Excel workbook; save the sheet as “CSV UTF-8”",
        ),
        (
            csv_of("1,p1,a1,A,A").decode().encode("utf-16"),
            "row 1, column 1: the file is UTF-16, as Excel writes “Unicode text”; save it as “CSV UTF-8”",
        ),
        (b"  \n \n", "row 1, column 1: the file is empty; it needs a header and one row per judgment"),
        (b"sep=,\n" + csv_of("1,p1,a1,A,A"), "row 2, column 2: the row has 5 cells, not 2"),
        (
            csv_of("1,p1,a1,A,A", "2,p1,a1,A,left"),
            "row 3, column choice: 'left' must be one of: A, B, tie, both_bad",
        ),
        (csv_of("1,p1,a1,C,A"), "row 2, column candidate_slot: 'C' must be one of: A, B"),
        (csv_of("1,p1,a1,A,A", "", "2,p1,,A,A"), "row 4, column annotator: '' is empty"),
        (csv_of("1,p1,a1,A"), "row 2, column choice: the row has 4 cells, not 5"),
        (csv_of("1,p1,a1,A,A,B"), "row 2, column choice: the row has 6 cells, not 5"),
        (
            csv_of("1,p1,a1,A,A").replace(b"p1", b"caf\xe9"),
            r"row 2, column prompt: 'caf\xe9' is not UTF-8; save the file as UTF-8",
        ),
        (csv_of("1,p\0,a1,A,A"), r"row 2, column prompt: 'p\x00' holds a null byte"),
        (
            csv_of("1,p1,a1,A,A", "2,p1,a1,A,A", "1,p1,a1,B,tie"),
            "row 4, column annotator: has judged this comparison by this criterion before, in row 2",
        ),
        (csv_of("1", header="comparison,comparison"), "row 1, column comparison: appears twice"),
        (csv_of('1,"p1,a1,A,A'), "row 2, column 1: not CSV (unexpected end of data)"),
        (
            csv_of("1,p1,a1,A,A,loss", header="comparison,prompt,annotator,candidate_slot,choice,outcome"),
            "row 2, column outcome: 'loss' contradicts candidate_slot and choice, which say 'win'",
        ),
        (
            csv_of(
                "1,p1,a1,win,x,x", header="comparison,prompt,annotator,outcome,candidate_arm,baseline_arm"
            ),
            "row 2, column baseline_arm: 'x' is the candidate arm too",
        ),
        (
            csv_of("1,p1,a1,win,-2", header="comparison,prompt,annotator,outcome,strength"),
            "row 2, column strength: '-2' contradicts the outcome 'win'",
        ),
        (
            csv_of("1,p1,a1,win,2.5", header="comparison,prompt,annotator,outcome,strength"),
            "row 2, column strength: '2.5' is no signed whole number",
        ),
        (
            csv_of("1,p1,a1,win,soon", header="comparison,prompt,annotator,outcome,submitted_at"),
            "row 2, column submitted_at: 'soon' is no ISO 8601 time",
        ),
        (
            csv_of("1,p1,a1,win,yes", header="comparison,prompt,annotator,outcome,excluded"),
            "row 2, column excluded: 'yes' must be one of: 0, 1",
        ),
    ],
)
def test_malformed_files_name_row_and_column(data, message):
    assert refusal(data) == message


def test_utf16_is_refused_at_the_header():
    assert refusal(csv_of("1,p1,a1,A,A").decode().encode("utf-16")).startswith("row 1, column 1: ")


def test_a_long_cell_is_shown_short():
    assert len(refusal(csv_of(f"1,p1,a1,A,{'x' * 5000}"))) < 200


def test_a_file_too_large_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr("studies.analysis.judgments_file.MAX_BYTES", 10)
    path = tmp_path / "large.csv"
    path.write_bytes(csv_of("1,p1,a1,A,A"))

    with pytest.raises(JudgmentsFileError, match="row 1, column 1: the file has more than"):
        read_judgments(path)


def test_bytes_too_many_are_refused(monkeypatch):
    monkeypatch.setattr(csv_table, "MAX_BYTES", 10)

    assert refusal(csv_of("1,p1,a1,A,A")).startswith("row 1, column 1: the file has more than")


@given(st.text(alphabet=st.sampled_from("'=+-@＝＠\t\r\n \u3000a1"), max_size=6))
def test_formula_guards_come_off_again(cell):
    guarded = neutralise(cell)

    assert restore(guarded) == cell
    # What a spreadsheet drops before a formula; OWASP's list of what begins one, full-width signs with it.
    assert not guarded.lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))
    assert not guarded.startswith(("\t", "\r", "\n"))


def test_names_lose_their_formula_guard():
    header = "comparison,prompt,annotator,candidate_slot,choice,criterion"

    judgments = judgments_of("1,p1,a1,A,A,'=sum", header=header)

    assert judgments.criteria == ("=sum",)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_in_one_line(noise):
    refusal(noise)


@given(st.binary(max_size=20))
def test_any_bytes_below_a_good_header_are_read_or_refused(noise):
    try:
        parse_judgments(csv_of("1,p1,a1,A,A") + noise)
    except JudgmentsFileError as error:
        assert "\n" not in str(error)  # noqa: PT017 - both ways are right
