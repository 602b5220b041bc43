"""A report of many arms: one section of all pairs, and nothing that grows with them beyond reading."""

import json

import pytest

from studies.analysis.summary import analyze
from studies.reports.document import Table
from studies.reports.many import MOST_PAIRS, left_out, many_pairs, shown, told_once
from studies.reports.render import Drawn
from studies.reports.style import short
from studies.reports.summary import report_as_dict, summarize
from tests.studies.analysis.kit import judgments_of
from tests.studies.reports.kit import PLAN, judged_study

HEADER = "comparison,prompt,annotator,outcome,criterion,candidate_arm,baseline_arm"


@pytest.fixture(scope="module")
def drawn(shared_db):
    arms = ("standard", *(f"gamma {number}" for number in range(MOST_PAIRS + 1)))
    return Drawn(summarize(judged_study(arms=arms, comparisons=4, overlap=2, annotators=6, analysis=PLAN)))


def in_pairs(pairs, criteria=("one", "two")):
    rows = [
        f"{number},p{number % 3},a{number % 4},win,{criterion},arm {number},standard"
        for number in range(pairs)
        for criterion in criteria
    ]
    return analyze(judgments_of(*rows, header=HEADER))


def test_few_pairs_have_a_section_each_and_many_share_one(drawn):
    titles = [section.title for section in drawn.view["sections"]]

    assert titles[:2] == ["gamma 0 against standard", "All 7 pairs of arms"]
    assert not many_pairs(in_pairs(MOST_PAIRS))


def test_every_pair_stands_in_the_tables_of_each_criterion_with_its_own_numbers(drawn):
    section = next(one for one in drawn.view["sections"] if one.key == "pairs")
    tables = [block for block in section.blocks if isinstance(block, Table) and not block.folded]

    assert [len(made.rows) for made in tables] == [7, 7]
    assert len(section.pictures) == 2
    for criterion, made in zip(("follows", "answers"), tables, strict=True):
        for row, pair in zip(made.rows, report_as_dict(drawn.summary)["pairs"], strict=True):
            assert row[0] == pair["candidate"]
            assert repr(pair["criteria"][criterion]["win_rate"]) in row[5]


def test_no_face_is_missing_and_the_page_stays_small(drawn):
    made = {fmt: drawn.file(fmt) for fmt in ("html", "pdf", "json", "csv", "md", "tex")}

    assert len(made["html"]) < 450_000
    assert made["pdf"].startswith(b"%PDF-")
    assert made["csv"].count(b"\r\n") == 1 + 2 * len(json.loads(made["json"])["pairs"])
    assert made["md"].count(b"| gamma 3 |") == 3  # twice in results, once in cost
    assert made["tex"].count(rb"\begin{table}") == 3


def test_tables_beside_the_results_list_the_headlines_pair_and_say_so():
    few, many = in_pairs(MOST_PAIRS), in_pairs(40)

    assert len(shown(few.results, few)) == len(few.results)
    assert left_out(few.results, few) is None
    assert {result.pair.candidate for result in shown(many.results, many)} == {"arm 0"}
    assert "Of 40 pairs" in left_out(many.results, many).text


def test_a_note_is_told_once_with_the_results_that_it_is_of():
    assert told_once([("a", "Thin."), ("b", "Thin."), ("a", "Long.")], 2) == ("Thin.", "a: Long.")
    assert told_once([(name, "Thin.") for name in "abcd"], 9) == ("4 of 9 results: Thin.",)


def test_long_names_lose_their_middle():
    assert short("negative prompt 13.5", 12) == "negat…t 13.5"
    assert len(short("x" * 80, 31)) == 31
    assert short("gamma 3", 31) == "gamma 3"
