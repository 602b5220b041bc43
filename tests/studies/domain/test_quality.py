"""Rules fixed in the plan: who breaks them is flagged, once, with the figures, and reversibly."""

from collections import Counter
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.utils import timezone
from scipy import stats

from studies.domain.assignment import claim_next
from studies.domain.audit import find_break
from studies.domain.conduct import Conduct, agree, conduct
from studies.domain.errors import StudyError
from studies.domain.exclusion import revoke_exclusion
from studies.domain.judging import Answer, Submission, submit
from studies.domain.quality import apply_rules, broken_rules, spoken_rules
from studies.enums import Outcome
from studies.models import AuditEvent, Judgment, Study
from tests.factories import AnnotatorFactory, draft_study, judge, open_study

pytestmark = pytest.mark.django_db
RULES = {"failed_checks": 2, "median_active_ms": 1500, "same_answer_share": 0.9}


def broken(**fields):
    return [rule for rule, _ in broken_rules(Study(quality=RULES), Conduct(**fields))]


@pytest.mark.parametrize(
    ("fields", "rules"),
    [
        ({"checks": 3, "passed": 1}, ["failed-checks"]),
        ({"checks": 3, "passed": 2}, []),
        ({"times": [1499] * 5}, ["too-fast"]),
        ({"times": [1500] * 5}, []),
        ({"times": [10] * 4}, []),
        ({"answers": Counter(A=9, B=1)}, ["straight-lining"]),
        ({"answers": Counter(A=8, B=2)}, []),
        ({"answers": Counter(A=9)}, []),
        ({}, []),
    ],
)
def test_a_rule_holds_from_its_threshold_on(fields, rules):
    assert broken(**fields) == rules


def test_a_study_without_rules_excludes_nobody():
    assert list(broken_rules(Study(quality={}), Conduct(checks=3, times=[1] * 9))) == []


@pytest.fixture
def study():
    """An open study with somebody who always says A, and somebody who does not."""
    made = open_study(comparisons=10, quality={"same_answer_share": 1.0})
    judge(made, annotator=AnnotatorFactory(study=made, pseudonym="constant"), choice="A")
    judge(made, annotator=AnnotatorFactory(study=made, pseudonym="varied"), choice="A")
    first = Judgment.objects.filter(assignment__annotator__pseudonym="varied").first()
    Judgment.objects.filter(pk=first.pk).update(choice="B")
    return made


def test_who_breaks_a_rule_is_excluded_with_the_figures_and_logged(study):
    (exclusion,) = apply_rules(study=study, actor="ada")

    assert (exclusion.annotator.pseudonym, exclusion.rule) == ("constant", "straight-lining")
    assert exclusion.reason == "the same answer in 100%; the plan's threshold is 100%"
    event = AuditEvent.objects.latest("id")
    assert (event.actor, event.action) == ("ada", "annotator.excluded")
    assert find_break() is None
    assert Judgment.objects.filter(assignment__study=study).count() == 20


def test_applying_again_changes_nothing_and_a_person_overrules_the_rule(study):
    (exclusion,) = apply_rules(study=study, actor="ada")
    again = apply_rules(study=study, actor="ada")
    revoke_exclusion(exclusion=exclusion, actor="ada")

    after = apply_rules(study=study, actor="ada")

    assert (again, after) == ([], [])
    assert study.exclusions.filter(revoked_at=None).count() == 0


def test_a_draft_has_nobody_to_judge():
    with pytest.raises(StudyError, match="not open yet"):
        apply_rules(study=draft_study(), actor="ada")


def test_the_dashboard_says_the_rules_and_applies_them(dashboard, study):
    url = f"/studies/{study.slug}/annotators/"

    before = dashboard.get(url).content.decode()
    dashboard.post(f"/studies/{study.slug}/quality/")
    after = dashboard.get(url).content.decode()

    assert all(rule in before for rule in spoken_rules(study))
    assert "straight-lining: the same answer in 100%" not in before
    assert "straight-lining: the same answer in 100%" in after
    assert study.exclusions.get().created_by.username == "ada"
    assert study.exclusions.get().created_at <= timezone.now()


PAIRS = [(number, number + 100) for number in range(10)]


@pytest.mark.parametrize(
    ("again", "rules"),
    [("win win", []), ("win loss", []), ("loss loss", ["inconsistent"]), ("loss", [])],
)
def test_self_agreement_is_the_share_of_repeats_alike(again, rules):
    outcomes = [Outcome(word) for word in again.split()]
    how = Conduct(first=dict.fromkeys(PAIRS, Outcome.WIN), again=dict(zip(PAIRS, outcomes, strict=False)))

    found = broken_rules(Study(quality={"self_agreement": 0.5}), how)

    assert [rule for rule, _ in found] == rules


def test_agreement_with_the_others_leaves_oneself_out():
    win, loss = (dict.fromkeys(PAIRS, outcome) for outcome in (Outcome.WIN, Outcome.LOSS))
    alone = Conduct(first={(77, 78): Outcome.WIN})
    found = {1: Conduct(first=win), 2: Conduct(first=win), 3: Conduct(first=loss), 4: alone}

    agree(found)

    # By hand: of the two others, one agrees with 1 and with 2, none with 3; nobody else judged 4's pair.
    assert [found[n].others_agreement for n in (1, 2, 3)] == [0.5, 0.5, 0.0]
    assert alone.others_agreement is None
    said = dict(broken_rules(Study(quality={"others_agreement": 0.4}), found[3]))
    assert said == {
        "disagreeing": "agreed with 0% of the others, over 10 comparisons; the plan's threshold is 40%"
    }


def test_too_few_shared_comparisons_say_nothing_of_agreement():
    found = {n: Conduct(first=dict.fromkeys(PAIRS[:9], o)) for n, o in ((1, Outcome.WIN), (2, Outcome.LOSS))}
    agree(found)

    assert list(broken_rules(Study(quality={"others_agreement": 1.0}), found[1])) == []


def test_the_verb_excludes_who_disagrees_with_everybody():
    study = open_study(comparisons=10, overlap=4, quality={"others_agreement": 0.3})
    for number in range(3):
        judge(
            study, annotator=AnnotatorFactory(study=study, pseudonym=f"one-of-three-{number}"), choice="tie"
        )
    judge(study, annotator=AnnotatorFactory(study=study, pseudonym="other"), choice="A")

    (exclusion,) = apply_rules(study=study, actor="ada")

    assert (exclusion.annotator.pseudonym, exclusion.rule) == ("other", "disagreeing")


@pytest.mark.parametrize(("passed", "checks"), [(0, 1), (3, 4), (10, 10)])
def test_reliability_is_the_beta_posterior_under_a_uniform_prior(passed, checks):
    told = Conduct(checks=checks, passed=passed).reliability

    posterior = stats.beta(1 + passed, 1 + checks - passed)  # the oracle: scipy's distribution
    assert told.posterior_mean == pytest.approx((1 + passed) / (2 + checks))
    assert (told.posterior_low, told.posterior_high) == pytest.approx(posterior.interval(0.95))


def test_reliability_is_shown_with_its_interval(dashboard):
    made = open_study(comparisons=6, quota=3, checks={"shuffled": 1})
    annotator = AnnotatorFactory(study=made)
    while row := claim_next(annotator=annotator, now=timezone.now()):
        submission = Submission(assignment_key=row.key, answers={"overall": Answer("A")}, key=uuid4())
        submit(annotator=annotator, submission=submission, now=timezone.now())
    how = conduct(made)[annotator.pk].reliability

    page = dashboard.get(f"/studies/{made.slug}/annotators/").content.decode()
    out = StringIO()
    call_command("study", "quality", made.slug, stdout=out)

    assert f"{how.posterior_low:.2f} to {how.posterior_high:.2f}" in out.getvalue()
    assert "Reliability" in page
    assert f"({how.posterior_low * 100:.0f}" in page
