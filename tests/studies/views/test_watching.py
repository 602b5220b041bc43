"""How a collection goes, on a study's page: drawn, and in numbers."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from studies import queries
from studies.models import Assignment, Skip, Study
from studies.views.watching import activity, matrix
from tests import factories


def test_each_comparison_has_a_column_and_each_judgment_a_row():
    drawn = matrix([2, 1, 0], overlap=2)

    assert (drawn.cells.count("M"), drawn.filled.count("M")) == (6, 3)
    assert drawn.levels == [("0", 1), ("1", 1), ("2", 1)]


def test_a_block_is_filled_by_the_share_that_is_there():
    # By hand: 120 comparisons make 60 blocks of two; a half of each block's only judgment is there.
    drawn = matrix([1, 0] * 60, overlap=1)

    assert drawn.block == 2
    assert drawn.cells.startswith("M0 70h8v-70h-8z")
    assert drawn.filled.startswith("M0 70h8v-35h-8z")


def test_the_matrix_stays_small_with_thousands_of_comparisons_and_many_judgments():
    drawn = matrix([20] * 5_000 + [25] * 5_000, overlap=25)

    assert drawn.cells.count("M") <= 60 * 12
    assert len(drawn.cells) + len(drawn.filled) < 40_000
    # Put together by threes: 20 is the second of 19 to 21, 25 alone in the last.
    assert dict(drawn.levels) | {"19 to 21": 5_000, "25": 5_000} == dict(drawn.levels)
    assert sum(number for _, number in drawn.levels) == 10_000


def test_nothing_is_drawn_of_nothing():
    assert (matrix([], overlap=2), activity([])) == (None, None)


def answered(study, *, at, number):
    rows = study.assignments.filter(annotator=None)[:number]
    for row in rows:
        annotator = factories.AnnotatorFactory(study=study)
        Assignment.objects.filter(pk=row.pk).update(
            annotator=annotator, leased_at=at, lease_expires_at=at, submitted_at=at
        )


@pytest.mark.django_db
@pytest.mark.parametrize("open_for", [timedelta(minutes=40), timedelta(days=3), timedelta(days=400)])
def test_answers_over_time_are_counted_once_each_however_long_a_study_is_open(open_for):
    study = factories.open_study(comparisons=4)
    opened = timezone.now() - open_for
    Study.objects.filter(pk=study.pk).update(opened_at=opened)
    study.refresh_from_db()
    answered(study, at=opened, number=2)
    answered(study, at=timezone.now(), number=3)

    spans = queries.activity(study, most=48)

    assert len(spans) <= 48
    assert (spans[0].answers, spans[-1].answers) == (2, 3)
    assert sum(span.answers for span in spans) == 5
    assert spans[0].start <= opened
    assert spans[-1].end > timezone.now()


@pytest.mark.django_db
def test_the_page_tells_levels_problems_and_who_is_left_out(dashboard):
    study = factories.open_study(slug="watched", comparisons=3)
    annotator = factories.AnnotatorFactory(study=study, pseudonym="annotator-7")
    comparison = study.comparisons.order_by("id")[1]
    Skip.objects.create(annotator=annotator, comparison=comparison, reason="Cut off <b>in</b> a word.")

    page = dashboard.get("/studies/watched/progress/").content.decode()

    assert "Cut off &lt;b&gt;in&lt;/b&gt; a word." in page
    assert f'href="/studies/watched/pairs/?pair={comparison.pk}"' in page
    assert "No answer yet." in page


@pytest.mark.django_db
def test_the_link_of_a_problem_shows_its_pair_and_no_other(dashboard):
    study = factories.open_study(slug="watched", comparisons=3)
    comparison = study.comparisons.order_by("id")[1]

    page = dashboard.get(f"/studies/watched/pairs/?pair={comparison.pk}").content.decode()

    assert page.count('class="card pair"') == 1
    assert comparison.candidate.text in page


@pytest.mark.django_db
def test_a_reported_check_has_no_link_since_it_is_no_pair(dashboard):
    study = factories.open_study(slug="watched", comparisons=3, checks={"shuffled": 1})
    check = study.comparisons.filter(kind="check").first()
    Skip.objects.create(annotator=factories.AnnotatorFactory(study=study), comparison=check, reason="Garbled")

    page = dashboard.get("/studies/watched/progress/").content.decode()

    assert "on an attention check or a repeat" in page
    assert "?pair=" not in page


@pytest.mark.django_db
def test_the_refreshed_part_takes_as_many_queries_with_much_as_with_little(dashboard):
    numbers = []
    for size in (1, 3):
        study = factories.open_study(comparisons=3 * size)
        for comparison in study.comparisons.all()[:size]:
            annotator = factories.AnnotatorFactory(study=study)
            Skip.objects.create(annotator=annotator, comparison=comparison, reason="Cut off")
            factories.judge(study, annotator=annotator, number=1)
        with CaptureQueriesContext(connection) as taken:
            dashboard.get(f"/studies/{study.slug}/progress/")
        numbers.append(len(taken))

    assert numbers[0] == numbers[1]


@pytest.mark.django_db
def test_somebody_who_only_watches_is_told_nothing_that_they_may_not_do(client):
    study = factories.open_study(slug="watched", comparisons=1)
    monitor = factories.ResearcherFactory()
    study.memberships.create(user=monitor, role="monitor")
    client.force_login(monitor)

    pages = [client.get(f"/studies/watched/{part}").content.decode() for part in ("", "progress/")]

    for page in pages:
        assert "Judgments are being collected" in page
        assert "Send annotators" not in page
        assert study.invite not in page
