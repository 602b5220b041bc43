"""The annotators' table and the exclusions."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from studies.models import Exclusion
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def study():
    made = factories.open_study(comparisons=4)
    factories.judge(
        made,
        annotator=factories.AnnotatorFactory(study=made, pseudonym="annotator-0001"),
        choice="A",
        number=3,
    )
    return made


def test_the_table_shows_judgments_speed_and_position_bias(dashboard, study):
    page = dashboard.get(f"/studies/{study.slug}/annotators/").content.decode()

    assert "annotator-0001" in page
    assert "100\u00a0%" in page
    assert "4.0\u00a0s" in page


def test_checks_and_repeats_have_columns_only_where_the_study_has_some(dashboard, study):
    checked = factories.open_study(comparisons=4, checks={"shuffled": 1}, repeats=1)
    factories.AnnotatorFactory(study=checked)

    with_checks = dashboard.get(f"/studies/{checked.slug}/annotators/").content.decode()
    without = dashboard.get(f"/studies/{study.slug}/annotators/").content.decode()

    columns = ("Checks passed", "Repeats alike")
    assert [column in with_checks for column in columns] == [True, True]
    assert [column in without for column in columns] == [False, False]


@pytest.mark.parametrize(
    ("make", "words"),
    [(factories.open_study, "Nobody has taken part yet"), (factories.draft_study, "Not open yet")],
)
def test_an_empty_table_says_what_comes_before(dashboard, make, words):
    assert words in dashboard.get(f"/studies/{make().slug}/annotators/").content.decode()


def test_no_secret_of_an_annotator_is_on_the_page(dashboard, study):
    annotator = study.annotators.get()

    page = dashboard.get(f"/studies/{study.slug}/annotators/").content.decode()

    assert annotator.token not in page


def test_the_table_takes_as_many_queries_for_three_annotators_as_for_one(dashboard):
    numbers = []
    for people in (1, 3):
        study = factories.closed_study(comparisons=2, overlap=3, annotators=people)
        with CaptureQueriesContext(connection) as queries:
            dashboard.get(f"/studies/{study.slug}/annotators/")
        numbers.append(len(queries))

    assert numbers[0] == numbers[1]


def test_an_annotator_is_excluded_by_rule_and_reason(dashboard, study):
    url = f"/studies/{study.slug}/annotators/{study.annotators.get().pk}/exclude/"

    response = dashboard.post(url, {"rule": "too-fast", "reason": "Two seconds each."}, follow=True)

    exclusion = Exclusion.objects.get()
    assert (exclusion.rule, exclusion.reason, exclusion.created_by.username) == (
        "too-fast",
        "Two seconds each.",
        "ada",
    )
    assert "Left out" in response.content.decode()


def test_an_incomplete_exclusion_shows_errors_beside_its_fields(dashboard, study):
    url = f"/studies/{study.slug}/annotators/{study.annotators.get().pk}/exclude/"

    response = dashboard.post(url, {"rule": "", "reason": ""})

    assert response.status_code == 422
    page = response.content.decode()
    assert "Choose the rule that applies." in page
    assert "Write down what you saw" in page
    assert page.count('aria-invalid="true"') == 2
    assert Exclusion.objects.count() == 0


def test_an_exclusion_by_the_same_rule_twice_is_refused(dashboard, study):
    url = f"/studies/{study.slug}/annotators/{study.annotators.get().pk}/exclude/"
    given = {"rule": "too-fast", "reason": "Two seconds each."}
    dashboard.post(url, given)

    response = dashboard.post(url, given)

    assert response.status_code == 422
    assert "excluded by this rule already" in response.content.decode()


def test_an_annotator_of_another_study_is_not_found(dashboard, study):
    other = factories.open_study()

    response = dashboard.get(f"/studies/{other.slug}/annotators/{study.annotators.get().pk}/exclude/")

    assert response.status_code == 404


def test_an_excluded_annotator_is_included_again_after_a_question(dashboard, study):
    annotator = study.annotators.get()
    exclusion = Exclusion.objects.create(study=study, annotator=annotator, rule="too-fast", reason="x")
    url = f"/studies/{study.slug}/exclusions/{exclusion.pk}/revoke/"

    asked = dashboard.get(url)
    exclusion.refresh_from_db()
    before = exclusion.revoked_at
    dashboard.post(url)

    exclusion.refresh_from_db()
    assert "Include annotator-0001 again?" in asked.content.decode()
    assert before is None
    assert exclusion.revoked_at is not None


def test_the_address_says_what_is_shown_in_which_order(dashboard, study):
    factories.AnnotatorFactory(study=study, pseudonym="annotator-0002")

    page = dashboard.get(f"/studies/{study.slug}/annotators/?sort=-annotator&search=0002").content.decode()

    assert "annotator-0001" not in page
    assert 'aria-sort="descending"' in page
    assert "1 annotator</span>" in page


def test_a_search_without_any_hit_offers_everybody(dashboard, study):
    page = dashboard.get(f"/studies/{study.slug}/annotators/?search=nobody").content.decode()

    assert "No annotator is like this." in page


@pytest.mark.parametrize("query", ["sort=nonsense", "status=nonsense", "page=999", "search=%00"])
def test_an_address_that_makes_no_sense_shows_the_table_all_the_same(dashboard, study, query):
    response = dashboard.get(f"/studies/{study.slug}/annotators/?{query}")

    assert response.status_code == 200
    assert "annotator-0001" in response.content.decode()


def test_the_file_is_of_what_was_found_and_the_log_has_it(dashboard, study):
    factories.AnnotatorFactory(study=study, pseudonym="annotator-0002")

    response = dashboard.get(f"/studies/{study.slug}/annotators.csv?search=0002")

    text = b"".join(response.streaming_content).decode()
    assert ["annotator-0001" in text, "annotator-0002" in text] == [False, True]
    assert study.events.filter(action="file.downloaded").count() == 1
