"""Notices sent to a real server: signed, again after failures, once for each event."""

import json
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from config import celery
from generation.models import Completion
from studies import tasks
from studies.domain import notices
from studies.domain.audit import record_event
from studies.domain.extending import extend_study
from studies.domain.lifecycle import settle
from studies.domain.notice_targets import add_webhook, choose_mail, retry_notice, send_test, switch_on
from studies.domain.quality import apply_rules
from studies.domain.watching import observe
from studies.enums import NoticeEvent, Role, StudyStatus
from studies.models import Alarm, Notice, NoticeTarget, Study
from studies.sending import delivering, webhook
from studies.sending.delivering import WAITS, deliver_due
from tests import factories
from tests.receiver import receiving

pytestmark = pytest.mark.django_db
ALL = notices.OFFERED


@pytest.fixture
def inbox(settings):
    settings.NOTICE_ADDRESSES = ["loopback"]
    with receiving() as inbox:
        yield inbox


def hooked(study, inbox, *events):
    target, inbox.secret = add_webhook(study=study, url=inbox.url, events=events or ALL, actor="ada")
    return target


def generating(**fields):
    """A study whose completions are written, and which nobody has looked at since."""
    study = factories.draft_study(prompts=2, **fields)
    factories.complete(study)
    Study.objects.filter(pk=study.pk).update(status=StudyStatus.GENERATING)
    study.refresh_from_db()
    return study


def let_time_pass():
    Notice.objects.filter(state="waiting").update(next_try_at=timezone.now() - timedelta(seconds=1))


def test_a_notice_is_sent_again_until_it_is_taken_with_the_same_id_and_a_true_signature(inbox):
    study = generating(slug="hooked")
    hooked(study, inbox)
    inbox.answers = [500, 503]

    settle(study)
    waited = []
    for _ in range(3):
        assert deliver_due() == 1
        waited.append(Notice.objects.get().next_try_at)
        assert deliver_due() == 0  # not before its time
        let_time_pass()

    notice = Notice.objects.get()
    assert (notice.state, notice.attempts, notice.answer, notice.error) == ("sent", 3, 204, "")
    assert inbox.ids == [str(notice.key)] * 3
    assert inbox.forged == 0
    assert waited[1] - waited[0] > timedelta(seconds=WAITS[1] - WAITS[0] - 5)
    assert inbox.taken == [json.loads(notice.body)]
    assert inbox.taken[0]["type"] == "generation.done"
    assert inbox.taken[0]["data"]["study"] == "hooked"
    assert NoticeTarget.objects.get().failures == 0


def test_no_notice_names_an_arm(inbox):
    study = generating()
    hooked(study, inbox)

    settle(study)

    assert set(json.loads(Notice.objects.get().body)["data"]) == {
        *("study", "title", "status", "page", "comparisons")
    }
    assert not any(arm.name in Notice.objects.get().body for arm in study.arms.all())


def test_two_workers_that_see_the_end_of_generation_tell_it_once(inbox, monkeypatch):
    study = generating()
    hooked(study, inbox)
    for seen in [Study.objects.get(pk=study.pk) for _ in range(2)]:
        observe(seen)
    meanwhile = []

    def call(notice):
        meanwhile.append(deliver_due())  # another worker, while this one is at it
        return webhook.call(notice)

    monkeypatch.setattr(delivering, "call", call)
    deliver_due()

    assert [one["type"] for one in inbox.taken] == ["generation.done"]
    assert meanwhile == [0]


def test_failures_are_told_once_for_each_retry(inbox):
    study = generating()
    hooked(study, inbox)
    first = Completion.objects.filter(batch_key=study.key).first()
    Completion.objects.filter(pk=first.pk).update(status="failed", error="Too long.")

    for _ in range(2):
        observe(study)

    data = json.loads(Notice.objects.get().body)["data"]
    assert (data["failed"], data["done"], data["completions"]) == (1, 3, 4)
    record_event(actor="ada", action="study.generation_retried", study=study)
    observe(study)
    assert Notice.objects.count() == 2


def test_a_filled_study_is_told_once_and_again_after_it_was_extended(inbox):
    study = factories.open_study(comparisons=2, overlap=1)
    hooked(study, inbox, NoticeEvent.FILLED)
    observe(study)
    assert not Notice.objects.exists()
    factories.judge(study, annotator=factories.AnnotatorFactory(study=study))
    for _ in range(2):
        observe(study)
    assert json.loads(Notice.objects.get().body)["data"]["judgments"] == 2

    study = extend_study(study=study, overlap=2, reason="More.", actor="ada")
    observe(study)
    factories.judge(study, annotator=factories.AnnotatorFactory(study=study))
    observe(study)

    assert [notice.occasion for notice in Notice.objects.order_by("id")] == ["filled:2", "filled:4"]


def test_the_alarm_is_raised_once_until_the_share_was_below_in_between(inbox):
    study = factories.open_study(comparisons=12, overlap=6, quality={"same_answer_share": 0.9})
    hooked(study, inbox, NoticeEvent.QUALITY)
    for _ in range(5):
        factories.judge(study, annotator=factories.AnnotatorFactory(study=study), choice="A")

    def look():
        Alarm.objects.filter(study=study).update(looked_at=None)
        observe(study)
        return Notice.objects.count()

    assert [look(), look()] == [1, 1]
    data = json.loads(Notice.objects.get().body)["data"]
    assert (data["annotators"], data["flagged"]) == (5, 5)
    made = apply_rules(study=study, actor="ada")
    assert look() == 1  # excluded, hence not newly flagged: the alarm is armed again
    assert len(made) == 5
    for annotator in study.annotators.all():
        annotator.exclusions.all().delete()
    assert look() == 2


def test_a_good_study_raises_no_alarm_and_quality_is_not_read_at_every_look(inbox, django_assert_num_queries):
    study = factories.open_study(comparisons=12, overlap=6, quality={"same_answer_share": 1})
    hooked(study, inbox)
    for number in range(5):
        annotator = factories.AnnotatorFactory(study=study)
        factories.judge(study, annotator=annotator, choice="A", number=6)
        factories.judge(study, annotator=annotator, choice="B", number=number + 1)

    observe(study)

    assert not Notice.objects.exists()
    with django_assert_num_queries(3):  # the counts of slots and annotators, and when it was looked last
        observe(study)


def test_a_target_that_fails_often_is_switched_off_with_a_sentence_and_nothing_is_lost(inbox, monkeypatch):
    monkeypatch.setattr(delivering, "MOST_FAILURES", 2)
    target = hooked(factories.draft_study(), inbox)
    inbox.answers = [500, 500]
    send_test(target=target)
    for _ in range(3):
        deliver_due()
        let_time_pass()

    target.refresh_from_db()
    assert target.off_reason == (
        "2 attempts in a row came to nothing, the last one so: The receiver answered with status 500."
    )
    assert Notice.objects.get().state == "waiting"
    assert target.study.events.filter(action="notices.switched_off").count() == 1
    switch_on(target=target, actor="ada")
    assert deliver_due() == 1
    assert Notice.objects.get().state == "sent"


def test_a_receiver_that_is_gone_for_good_is_not_called_again(inbox):
    target = hooked(factories.draft_study(), inbox)
    inbox.answers = [410]
    send_test(target=target)

    deliver_due()

    target.refresh_from_db()
    assert (Notice.objects.get().state, target.off_reason) == (
        "failed",
        "The receiver says that it is gone for good.",
    )


def test_redirects_are_not_followed(inbox):
    send_test(target=hooked(factories.draft_study(), inbox))
    inbox.answers = [302]

    deliver_due()

    notice = Notice.objects.get()
    assert (notice.answer, len(inbox.ids)) == (302, 1)
    assert "redirects are not followed" in notice.error


def test_an_address_that_is_no_longer_allowed_is_not_called(inbox, settings):
    send_test(target=hooked(factories.draft_study(), inbox))
    settings.NOTICE_ADDRESSES = ["public"]

    deliver_due()

    assert inbox.ids == []
    assert "EVENHAND_WEBHOOKS" in NoticeTarget.objects.get().off_reason


def test_a_given_up_notice_is_sent_by_hand(inbox):
    target = hooked(factories.draft_study(), inbox)
    send_test(target=target)
    Notice.objects.update(state="failed", next_try_at=None, attempts=9)

    retry_notice(notice=Notice.objects.get())
    deliver_due()

    assert Notice.objects.get().state == "sent"


def test_after_the_last_wait_a_notice_is_given_up(inbox):
    send_test(target=hooked(factories.draft_study(), inbox))
    Notice.objects.update(attempts=len(WAITS))
    inbox.answers = [500]

    deliver_due()

    assert (Notice.objects.get().state, Notice.objects.get().attempts) == ("failed", len(WAITS) + 1)


def test_another_secret_key_of_the_site_switches_off_rather_than_sign_wrongly(inbox, settings):
    send_test(target=hooked(factories.draft_study(), inbox))
    settings.SECRET_KEY = "another"

    deliver_due()

    assert inbox.ids == []
    assert "make a new one" in NoticeTarget.objects.get().off_reason


def member(study, role=Role.MONITOR):
    user = factories.ResearcherFactory(email="ada@example.org")
    study.memberships.create(user=user, role=role)
    return user


def test_a_member_who_wants_it_is_written_to(settings):
    settings.EMAIL_HOST = "mail.example.org"
    study = generating(slug="written")
    choose_mail(study=study, user=member(study), events=ALL)

    settle(study)
    deliver_due()

    (message,) = mail.outbox
    assert (message.to, message.subject) == (["ada@example.org"], "All completions are written – written")
    assert "comparisons: 2" in message.body
    assert notices.page_of(study) in message.body
    assert message.extra_headers["Message-ID"] == f"<{Notice.objects.get().key}@evenhand>"


def test_a_monitor_is_not_told_how_annotators_work():
    study = factories.draft_study()
    user = member(study)

    choose_mail(study=study, user=user, events=ALL)

    assert NoticeEvent.QUALITY.value not in NoticeTarget.objects.get().events.split()


def test_somebody_who_has_left_is_not_written_to(settings):
    settings.EMAIL_HOST = "mail.example.org"
    study = generating()
    user = member(study)
    choose_mail(study=study, user=user, events=ALL)
    study.memberships.all().delete()

    settle(study)
    deliver_due()

    assert mail.outbox == []
    assert "no part in the study" in NoticeTarget.objects.get().off_reason


def test_a_broker_that_is_away_loses_nothing(inbox, monkeypatch, django_capture_on_commit_callbacks):
    target = hooked(factories.draft_study(), inbox)

    def away(*_, **__):
        raise ConnectionError("no broker")

    monkeypatch.setattr(notices.current_app, "send_task", away)
    with django_capture_on_commit_callbacks(execute=True):
        send_test(target=target)
    assert notices.due()

    celery.app.tasks[notices.TASK].apply(throw=True)

    assert [one["type"] for one in inbox.taken] == ["test"]
    assert tasks.mind_notices in celery._beats


def test_the_beat_calls_a_worker_only_when_there_is_something_to_do(monkeypatch):
    sent = []
    monkeypatch.setattr(notices.current_app, "send_task", lambda name, **_how: sent.append(name))

    tasks.mind_notices()
    study = generating()
    NoticeTarget.objects.create(study=study, user=member(study), events="study.filled", created_by="ada")
    tasks.mind_notices()

    assert sent == [notices.TASK]
