"""More judgments than planned: exactly the new number, orders balanced, the plan as it was."""

from collections import Counter

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from studies.domain.errors import StudyError
from studies.domain.extending import extend_study
from studies.domain.invariants import violations
from studies.domain.lifecycle import close_study, pause_study
from studies.models import Study
from studies.reports.summary import summarize
from tests import factories

pytestmark = pytest.mark.django_db


def extended(study, overlap, reason="Fewer came than we thought."):
    return extend_study(study=study, overlap=overlap, reason=reason, actor="ada")


@pytest.mark.parametrize(("before", "after"), [(1, 2), (1, 4), (2, 3), (3, 4), (3, 6)])
def test_each_comparison_has_exactly_the_new_number_half_of_them_in_each_order(before, after):
    study = factories.open_study(comparisons=5, overlap=before)
    factories.judge(study, annotator=factories.AnnotatorFactory(study=study), number=3)

    study = extended(study, after)

    rows = Counter(study.assignments.values_list("comparison", "candidate_slot"))
    totals = Counter(comparison for comparison, _ in rows.elements())
    assert set(totals.values()) == {after}
    assert all(abs(rows[pk, "A"] - rows[pk, "B"]) <= after % 2 for pk in totals)
    assert list(violations(study)) == []


def test_the_new_rows_come_after_the_planned_ones_and_all_orders_are_balanced():
    study = extended(factories.open_study(comparisons=6, overlap=2), 3)

    by_key = list(study.assignments.order_by("sort_key").values_list("ordinal", "candidate_slot"))

    assert [ordinal for ordinal, _ in by_key] == [1] * 6 + [2] * 6 + [3] * 6
    assert Counter(slot for ordinal, slot in by_key if ordinal == 3) == {"A": 3, "B": 3}


def test_an_extension_extended_again_stays_balanced():
    study = factories.open_study(comparisons=3, overlap=1)

    study = extended(extended(study, 2), 5)

    assert study.assignments.count() == 15
    assert list(violations(study)) == []


def test_the_frozen_plan_and_its_hash_stay_and_the_study_is_filled_to_the_new_number():
    study = factories.open_study(comparisons=2, overlap=1)
    before = (study.overlap, study.plan_hash, study.plan)
    for _ in range(3):
        factories.judge(study, annotator=factories.AnnotatorFactory(study=study))

    study = extended(study, 2)
    factories.judge(study, annotator=factories.AnnotatorFactory(study=study))

    study.refresh_from_db()
    assert (study.overlap, study.plan_hash, study.plan) == before
    assert study.assignments.filter(submitted_at=None).count() == 0
    assert study.assignments.count() == 4


def test_the_log_has_it_and_the_report_lists_it_as_a_deviation():
    study = extended(factories.open_study(comparisons=4), 3, reason="Fewer came than we thought")
    for _ in range(3):
        factories.judge(study, annotator=factories.AnnotatorFactory(study=study))

    listed = summarize(close_study(study=study, actor="ada")).integrity.deviations

    event = study.events.get(action="study.extended")
    assert (event.before, event.after) == (
        {"overlap": 2},
        {"overlap": 3, "rows": 4, "reason": "Fewer came than we thought"},
    )
    assert listed == (
        f"The study was extended on {timezone.now():%Y-%m-%d} from 2 to 3 judgments per comparison; the plan "
        "has 2. Reason given: Fewer came than we thought.",
    )


@pytest.mark.parametrize(
    ("overlap", "reason", "words"),
    [(2, "x", "has to be larger"), (101, "x", "at most 100"), (3, " ", "needs a reason")],
)
def test_what_cannot_be_is_refused_and_nothing_is_changed(overlap, reason, words):
    study = factories.open_study(comparisons=1)

    with pytest.raises(StudyError, match=words):
        extended(study, overlap, reason)
    assert Study.objects.get(pk=study.pk).judgments_each == study.assignments.count() == 2


def test_a_group_sequential_plan_is_not_extended_since_its_boundaries_rest_on_the_number():
    study = factories.open_study(
        comparisons=1, analysis={"interim": {"method": "group_sequential", "looks": 2}}
    )

    with pytest.raises(StudyError, match="group-sequential"):
        extended(study, 3)


def test_a_closed_study_is_not_extended_and_a_paused_one_is():
    paused = pause_study(study=factories.open_study(comparisons=1), actor="ada")

    assert extended(paused, 3).assignments.count() == 3
    with pytest.raises(StudyError, match="is closed, so it cannot be extended"):
        extended(factories.closed_study(comparisons=1), 3)


def test_the_command_extends_and_refuses_in_one_line(capsys):
    study = factories.open_study(comparisons=1)

    call_command("study", "extend", study.slug, "--overlap", "4", "--reason", "More precision.")

    assert capsys.readouterr().out == f"{study.slug}: each comparison is judged 4 times in all\n"
    with pytest.raises(CommandError, match="has to be larger"):
        call_command("study", "extend", study.slug, "--overlap", "4", "--reason", "Again.")
