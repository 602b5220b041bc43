"""Columns at once and cell by cell are the same columns; anything unusual is read cell by cell."""

import csv
import io
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studies.analysis.columns import column_of, plain_columns
from studies.analysis.csv_table import parse_table
from studies.analysis.judgments_file import parse_judgments

PLAIN = st.text(st.characters(exclude_characters='",\r\n\0', exclude_categories=["Cs"]), max_size=14)


@settings(deadline=None)
@given(st.lists(st.tuples(PLAIN, PLAIN), min_size=1, max_size=40), st.sampled_from(["\n", "\r\n"]))
def test_plain_files_give_the_columns_that_cell_by_cell_gives(rows, newline):
    text = newline.join(["first,second", *(",".join(row) for row in rows)]) + newline
    found = plain_columns(text.encode())

    if found is None:  # blank lines, or a character that ends one
        return
    for number, name in enumerate(("first", "second")):
        expected = column_of(row[number] for row in rows)
        assert found.columns[name].values == expected.values
        assert found.columns[name].codes.tolist() == expected.codes.tolist()


def test_many_different_long_cells_are_told_apart():
    cells = [f"annotator-{number:020d}-with-a-long-name" for number in range(20_000)] * 2
    data = ("name,other\n" + "\n".join(f"{cell},x" for cell in cells)).encode()

    found = plain_columns(data).columns["name"]

    assert len(found.values) == 20_000
    assert np.array_equal(found.codes[:20_000], np.arange(20_000))
    assert np.array_equal(found.codes[20_000:], np.arange(20_000))


@pytest.mark.parametrize(
    "text",
    [
        'a,b\n"1",2\n',
        "a,b\n1\n",
        "a,b\n\n1,2\n",
        "a,b\n1,2\r3,4\n",
        "a,b\n",
        "a,a\n1,2\n",
        "a\n1\n",
        "",
    ],
)
def test_what_is_not_plain_is_left_to_the_careful_reader(text):
    assert plain_columns(text.encode()) is None


def test_bytes_that_are_not_text_are_left_to_the_careful_reader():
    assert plain_columns(b"a,b\n1,\xff\n") is None


@pytest.mark.parametrize("quote", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_both_ways_read_the_same_judgments(quote):
    rng = np.random.default_rng(2)
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=quote)
    writer.writerow(["comparison", "prompt", "annotator", "candidate_slot", "choice", "submitted_at"])
    for number in range(300):
        slot, choice = rng.choice(["A", "B"]), rng.choice(["A", "B", "tie", "both_bad"])
        time = f"2026-01-{1 + number % 28:02}T00:00:{number % 60:02}Z"
        writer.writerow([number, f"p{number % 7}", f"Zoë {number % 9}", slot, choice, time])

    assert (plain_columns(buffer.getvalue().encode()) is None) == (quote == csv.QUOTE_ALL)
    found = parse_judgments(buffer.getvalue().encode())
    reread = parse_judgments(buffer.getvalue().replace('"', "").encode())
    for name in ("outcome", "annotator", "prompt", "comparison", "candidate_slot"):
        assert np.array_equal(getattr(found.records, name), getattr(reread.records, name))
    assert np.array_equal(found.order(), reread.order())


@pytest.mark.parametrize(
    ("times", "read"),
    [
        (("2026-01-01T00:00:05Z", "2026-01-01 01:00:02.123456+01:00"), True),
        (("2026-01-01T00:00:05Z", ""), False),
        (("2026-01-01T00:00:05", "2026-01-01T00:00:05"), False),
        (("2026-01-01T00:00:05Z", "soon"), False),
    ],
)
def test_moments_are_read_at_once_when_all_of_them_are_some(times, read):
    data = "name,at\n" + "".join(f"x,{time}\n" for time in times)

    found = plain_columns(data.encode(), times=("at", "other"))

    assert ("at" in found.seconds) is read
    assert ("at" in found.columns) is not read
    if read:  # by Python's own reader
        assert found.seconds["at"].tolist() == [datetime.fromisoformat(time).timestamp() for time in times]


def test_the_order_counts_earlier_times_of_the_same_annotator():
    data = (
        "comparison,prompt,annotator,outcome,submitted_at\n"
        "1,p,a,win,2026-01-01T00:00:05Z\n"
        "2,q,b,win,2026-01-01T00:00:01Z\n"
        "3,q,a,loss,2026-01-01T01:00:02+01:00\n"
        "4,r,a,tie,2026-01-01T00:00:05Z\n"
    )

    assert parse_judgments(data.encode()).order().tolist() == [1, 0, 0, 1]


def test_lengths_are_read_and_a_missing_one_is_no_number():
    data = (
        "comparison,prompt,annotator,outcome,candidate_tokens,baseline_tokens\n"
        "1,p,a,win,10,20\n"
        "2,q,b,win,,7\n"
    )

    candidate, baseline = parse_judgments(data.encode()).lengths

    assert candidate[0] == 10
    assert np.isnan(candidate[1])
    assert baseline.tolist() == [20, 7]


def test_rows_of_a_plain_file_keep_their_numbers():
    assert list(parse_table(b"a,b\n1,2\n3,4\n").numbers) == [2, 3]
