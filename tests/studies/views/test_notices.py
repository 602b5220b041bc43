"""The page of notices: choosing, webhooks and their secrets, what was sent."""

import pytest

from studies.domain.audit import sha256
from studies.domain.notice_targets import add_webhook, secret_of
from studies.domain.notices import OFFERED
from studies.enums import Role
from studies.models import Membership, Notice, NoticeTarget
from tests import factories

pytestmark = pytest.mark.django_db
PATH = "/studies/told/notices/"
HOOK = {"url": "https://example.org/hook", "events": ["study.filled", "generation.done"]}


@pytest.fixture
def study():
    return factories.open_study(slug="told", comparisons=1)


def text(response):
    return response.content.decode()


def test_a_secret_is_shown_once_and_is_not_in_the_database(dashboard, study):
    made = dashboard.post(f"{PATH}webhooks/", HOOK)

    target = NoticeTarget.objects.get()
    secret = secret_of(target)
    assert (made.status_code, target.events) == (201, "generation.done study.filled")
    assert secret in text(made)
    assert secret not in text(dashboard.get(PATH))
    stored = NoticeTarget.objects.values().get()
    assert secret not in map(str, stored.values())
    assert stored["secret_hash"] == sha256(secret)
    assert secret not in str(study.events.get(action="webhook.added").after)


def test_a_new_secret_replaces_the_old_one(dashboard, study):
    target, before = add_webhook(study=study, url="https://example.org", events=OFFERED, actor="ada")

    page = text(dashboard.post(f"{PATH}webhooks/{target.pk}/secret/"))

    target.refresh_from_db()
    assert secret_of(target) in page
    assert secret_of(target) != before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"url": "http://example.org/hook"}, "does not begin with https://"),
        ({"url": "https://169.254.169.254/"}, "private network"),
        ({"url": ""}, "Write the address that is to be called."),
        ({"events": []}, "Choose one event or more"),
    ],
)
def test_what_will_not_do_is_said_beside_its_field(dashboard, study, change, words):
    answer = dashboard.post(f"{PATH}webhooks/", HOOK | change)

    assert answer.status_code == 422
    assert words in text(answer)
    assert not NoticeTarget.objects.exists()


def test_the_same_address_twice_is_refused(dashboard, study):
    add_webhook(study=study, url=HOOK["url"], events=OFFERED, actor="ada")

    assert "calls that address already" in text(dashboard.post(f"{PATH}webhooks/", HOOK))


def test_a_test_notice_is_listed_and_can_be_retried_once_it_has_failed(dashboard, study):
    target, _ = add_webhook(study=study, url="https://example.org", events=OFFERED, actor="ada")

    dashboard.post(f"{PATH}webhooks/{target.pk}/test/")
    Notice.objects.update(state="failed", next_try_at=None, attempts=9, answer=503, error="It is busy.")
    page = text(dashboard.get(PATH))
    dashboard.post(f"{PATH}{Notice.objects.get().pk}/retry/")

    for words in ("Given up", "503", "It is busy."):
        assert words in page
    assert (Notice.objects.get().state, Notice.objects.get().attempts) == ("waiting", 0)


def test_a_switched_off_webhook_says_why_and_is_switched_on_again(dashboard, study):
    target, _ = add_webhook(study=study, url="https://example.org", events=OFFERED, actor="ada")
    NoticeTarget.objects.update(off_since=study.opened_at, off_reason="It was gone.", failures=20)

    page = text(dashboard.get(PATH))
    dashboard.post(f"{PATH}webhooks/{target.pk}/on/")

    target.refresh_from_db()
    assert "It was gone." in page
    assert (target.off_since, target.failures) == (None, 0)


def test_the_alarm_is_kept_and_logged(dashboard, study):
    refused = dashboard.post(f"{PATH}alarm/", {"flagged_percent": 101})
    dashboard.post(f"{PATH}alarm/", {"flagged_percent": 15, "failed_percent": ""})

    assert refused.status_code == 422
    assert (study.alarm.flagged_percent, study.alarm.failed_percent) == (15, None)
    assert study.events.get(action="alarm.changed").before == {"flagged_percent": 20, "failed_percent": 30}


def test_a_monitor_chooses_e_mail_and_sees_no_webhook(client, study, settings):
    settings.EMAIL_HOST = "mail.example.org"
    user = factories.ResearcherFactory(email="mo@example.org")
    Membership.objects.create(study=study, user=user, role=Role.MONITOR)
    add_webhook(study=study, url="https://example.org/secret-path", events=OFFERED, actor="ada")
    client.force_login(user)

    client.post(PATH, {"events": ["study.filled"]})
    page = text(client.get(PATH))
    refused = client.post(PATH, {"events": ["quality.alarm"]})

    assert NoticeTarget.objects.get(user=user).events == "study.filled"
    assert "secret-path" not in page
    assert "quality.alarm" not in page
    assert refused.status_code == 422


def test_without_a_server_for_mail_the_page_says_so(dashboard, study):
    assert "sends no e-mail" in text(dashboard.get(PATH))
