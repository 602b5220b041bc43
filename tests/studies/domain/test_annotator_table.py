"""The table of annotators: what it finds, in which order, with which figures."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from studies.domain.annotator_table import SORTS, annotator_lines
from studies.domain.exclusion import exclude_annotator
from studies.models import Judgment
from studies.reports.annotators import COLUMNS, annotators_csv
from tests import factories

pytestmark = pytest.mark.django_db


def person(study, name, **fields):
    return factories.AnnotatorFactory(study=study, pseudonym=name, **fields)


@pytest.fixture
def study():
    """Three who judged four pairs alike or not, one who has judged nothing, one who still reads."""
    made = factories.open_study(comparisons=4, overlap=3)
    for name, choice, milliseconds in (("ant", "A", 9000), ("bee", "A", 3000), ("cat", "tie", 5000)):
        annotator = person(made, name, external_id=f"prolific-{name}")
        factories.judge(made, annotator=annotator, choice=choice)
        Judgment.objects.filter(assignment__annotator=annotator).update(active_ms=milliseconds)
    person(made, "dog")
    person(made, "elk", consented_at=None, consent_hash="")
    exclude_annotator(
        annotator=made.annotators.get(pseudonym="bee"), rule="too-fast", reason="x", actor="ada"
    )
    return made


def names(lines):
    return [line.row.annotator.pseudonym for line in lines]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("annotator", ["ant", "bee", "cat", "dog", "elk"]),
        ("-annotator", ["elk", "dog", "cat", "bee", "ant"]),
        ("speed", ["bee", "cat", "ant", "dog", "elk"]),
        ("-speed", ["ant", "cat", "bee", "dog", "elk"]),
        ("-judgments", ["ant", "bee", "cat", "dog", "elk"]),
    ],
)
def test_a_figure_that_is_not_known_comes_last_in_both_directions(study, sort, expected):
    assert names(annotator_lines(study, sort=sort)) == expected


@pytest.mark.parametrize("name", SORTS)
def test_every_column_sorts_whoever_is_there(study, name):
    assert sorted(names(annotator_lines(study, sort=f"-{name}"))) == ["ant", "bee", "cat", "dog", "elk"]


@pytest.mark.parametrize(
    ("state", "expected"),
    [("reading", ["elk"]), ("active", ["ant", "bee", "cat", "dog"]), ("left-out", ["bee"]), ("finished", [])],
)
def test_the_table_is_narrowed_to_a_status(study, state, expected):
    assert names(annotator_lines(study, state=state)) == expected


def test_external_ids_are_searched_only_for_those_who_may_see_them(study):
    allowed = names(annotator_lines(study, search="prolific-C", personal=True))
    others = names(annotator_lines(study, search="prolific-C"))

    assert (allowed, others) == (["cat"], [])


def test_agreement_is_with_all_others_whoever_is_found(study):
    # By hand: on each pair ant, bee chose slot A and cat a tie. A tie agrees with neither of the others.
    (line,) = annotator_lines(study, search="cat")

    assert (line.how.others_agreement, len(line.how.agreed)) == (0, 4)


def test_the_table_takes_as_many_queries_for_many_annotators_as_for_few(study):
    numbers = []
    for more in (0, 5):
        for number in range(more):
            person(study, f"fox-{number}")
        with CaptureQueriesContext(connection) as queries:
            annotator_lines(study)
        numbers.append(len(queries))

    assert numbers == [5, 5]


def test_the_file_has_a_row_for_each_and_nothing_a_spreadsheet_would_run():
    study = factories.open_study(slug="formula")
    annotator = person(study, '=HYPERLINK("http://x")', external_id="prolific-1")
    exclude_annotator(annotator=annotator, rule="too-fast", reason="=1+1", actor="ada")

    header, row = annotators_csv(study, annotator_lines(study))

    assert header.strip().split(",") == list(COLUMNS)
    assert row.startswith("formula,\"'=HYPERLINK")
    assert "'=1+1" in row
    assert "prolific-1" not in row
