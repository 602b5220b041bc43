from datetime import timedelta

import pytest
from django.utils import timezone

from generation.models import Completion
from studies import queries
from studies.enums import AnnotatorStatus
from studies.models import Judgment
from tests import factories

pytestmark = pytest.mark.django_db


def test_slots_of_a_study_that_is_not_open_are_all_zero():
    study = factories.ready_study(prompts=2)

    assert queries.slot_counts([study]) == {study.pk: queries.SlotCounts()}


def test_slots_are_counted_as_planned_filled_and_leased():
    study = factories.open_study(comparisons=3, overlap=2)
    factories.judge(study, annotator=factories.AnnotatorFactory(study=study), number=2)
    row = study.assignments.filter(annotator=None).first()
    row.annotator = factories.AnnotatorFactory(study=study, finished_at=timezone.now())
    row.leased_at, row.lease_expires_at = timezone.now(), timezone.now() + timedelta(minutes=5)
    row.save()

    counts = queries.slot_counts([study])[study.pk]

    assert counts == queries.SlotCounts(planned=6, filled=2, leased=1, annotators=2, finished=1)


def test_a_lease_that_ran_out_is_not_counted():
    study = factories.open_study(comparisons=1)
    row = study.assignments.first()
    row.annotator = factories.AnnotatorFactory(study=study)
    row.leased_at = row.lease_expires_at = timezone.now() - timedelta(minutes=5)
    row.save()

    assert queries.slot_counts([study])[study.pk].leased == 0


def test_an_annotator_who_has_not_agreed_is_not_counted():
    study = factories.open_study(comparisons=1)
    factories.AnnotatorFactory(study=study, consented_at=None, consent_hash="")

    assert queries.slot_counts([study])[study.pk].annotators == 0


def test_completions_are_counted_for_each_study():
    study, other = factories.ready_study(prompts=3), factories.draft_study(prompts=1)
    failed = Completion.objects.filter(batch_key=study.key).first()
    failed.status, failed.error = Completion.Status.FAILED, "out of memory"
    failed.save()

    counts = queries.completion_counts([study, other])

    assert (counts[study.key].total, counts[study.key].done, counts[study.key].failed) == (6, 5, 1)
    assert counts[other.key].total == 0


@pytest.mark.parametrize(("times", "expected"), [([], None), ([5], 5), ([9, 1, 5], 5), ([8, 2, 4, 6], 5)])
def test_median_active_time_is_of_the_middle_judgments(times, expected):
    study = factories.open_study(comparisons=4)
    judged = factories.judge(study, annotator=factories.AnnotatorFactory(study=study), number=len(times))
    for judgment, time in zip(judged, times, strict=True):
        judgment.active_ms = time
        judgment.save()

    assert queries.median_active_ms(study) == expected


def test_an_annotators_row_counts_answers_once_however_many_criteria():
    study = factories.open_study(comparisons=4, criteria=(("one", "tie"), ("two", "tie")))
    annotator = factories.AnnotatorFactory(study=study)
    factories.judge(study, annotator=annotator, choice="A", number=3)
    first = Judgment.objects.filter(criterion__primary=True).first()
    first.choice = "tie"
    first.save()

    (row,) = queries.annotator_rows([annotator])

    assert (row.judgments, row.decided, row.picked_a, row.share_a) == (3, 2, 2, 1.0)
    assert row.median_ms == 4000


def test_an_annotator_without_answers_has_no_share_and_no_time():
    annotator = factories.AnnotatorFactory(status=AnnotatorStatus.ACTIVE)

    (row,) = queries.annotator_rows([annotator])

    assert (row.judgments, row.share_a, row.median_ms) == (0, None, None)
    assert row.last_seen == annotator.consented_at


def test_annotators_take_two_queries_however_many(django_assert_num_queries):
    study = factories.open_study(comparisons=2, overlap=3)
    people = [factories.AnnotatorFactory(study=study) for _ in range(3)]
    for annotator in people:
        factories.judge(study, annotator=annotator)

    for number in (1, 3):
        with django_assert_num_queries(2):
            queries.annotator_rows(people[:number])


def test_pairs_are_searched_in_every_script_and_case():
    study = factories.ready_study(prompts=3)
    prompt = study.prompts.last()
    prompt.messages = [{"role": "user", "content": "Überall ist Größe"}]
    prompt.save()

    assert [pair.prompt for pair in queries.pairs(study, search="GRÖSSE")] == [prompt]
    assert queries.pairs(study, search="nowhere").count() == 0


def test_pairs_are_filtered_by_stratum():
    study = factories.ready_study(prompts=2)
    study.prompts.filter(position=1).update(stratum="tone")

    assert [pair.prompt.stratum for pair in queries.pairs(study, stratum="tone")] == ["tone"]
    assert queries.strata(study) == ["tone"]
