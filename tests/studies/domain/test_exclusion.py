import pytest

from studies.domain.errors import StudyError
from studies.domain.exclusion import exclude_annotator, revoke_exclusion
from studies.domain.lifecycle import archive_study
from studies.models import AuditEvent, Exclusion, Judgment
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def annotator(researcher):
    study = factories.open_study(comparisons=2)
    someone = factories.AnnotatorFactory(study=study, pseudonym="annotator-0001")
    factories.judge(study, annotator=someone)
    return someone


def exclude(annotator, **changes):
    given = {"rule": "too-fast", "reason": " Two seconds each. ", "actor": "ada"} | changes
    return exclude_annotator(annotator=annotator, **given)


def test_excluding_flags_and_deletes_nothing(annotator, researcher):
    before = Judgment.objects.count()

    exclusion = exclude(annotator)

    assert (exclusion.rule, exclusion.reason) == ("too-fast", "Two seconds each.")
    assert exclusion.created_by == researcher
    assert Judgment.objects.count() == before


def test_an_exclusion_is_logged_with_its_reason(annotator):
    exclude(annotator)

    event = AuditEvent.objects.last()
    assert (event.action, event.actor) == ("annotator.excluded", "ada")
    assert event.after == {"annotator": "annotator-0001", "rule": "too-fast", "reason": "Two seconds each."}


@pytest.mark.parametrize(
    ("changes", "words"), [({"rule": "dislike"}, "no exclusion rule"), ({"reason": "  "}, "needs a reason")]
)
def test_an_exclusion_needs_a_known_rule_and_a_reason(annotator, changes, words):
    with pytest.raises(StudyError, match=words):
        exclude(annotator, **changes)

    assert Exclusion.objects.count() == 0


def test_nobody_is_excluded_twice_by_one_rule(annotator):
    exclude(annotator)

    with pytest.raises(StudyError, match="already"):
        exclude(annotator)

    assert Exclusion.objects.count() == 1


def test_revoking_keeps_the_row_and_lets_the_rule_apply_anew(annotator):
    first = exclude(annotator)

    revoke_exclusion(exclusion=first, actor="ada")
    exclude(annotator)

    first.refresh_from_db()
    assert first.revoked_at is not None
    assert Exclusion.objects.filter(revoked_at=None).count() == 1
    assert list(AuditEvent.objects.order_by("-id").values_list("action", flat=True)[:3]) == [
        "annotator.excluded",
        "annotator.included",
        "annotator.excluded",
    ]


def test_an_exclusion_is_revoked_once(annotator):
    exclusion = exclude(annotator)
    revoke_exclusion(exclusion=exclusion, actor="ada")

    with pytest.raises(StudyError, match="already"):
        revoke_exclusion(exclusion=exclusion, actor="ada")


def test_an_archived_study_takes_no_exclusion():
    study = factories.closed_study(comparisons=1, annotators=1)
    archive_study(study=study, actor="tests")

    with pytest.raises(StudyError, match="archived"):
        exclude(study.annotators.get())
