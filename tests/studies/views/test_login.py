"""Logging in: limits, new passwords, the second factor."""

import re
from datetime import timedelta
from io import StringIO

import pytest
import segno
from django.core import mail
from django.core.management import CommandError, call_command
from django.utils import timezone
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from studies.domain import accounts
from studies.models import AuditEvent
from tests.factories import ResearcherFactory

pytestmark = pytest.mark.django_db
PASSWORD, NEW = "correct horse battery", "purple staples correct"


@pytest.fixture
def grace():
    return ResearcherFactory(username="grace", email="grace@lab.example")


def log_in(client, password=PASSWORD, name="grace", **extra):
    return client.post("/login/", {"username": name, "password": password}, **extra)


def logged_in(client):
    return client.get("/studies/").status_code == 200


def logged():
    return list(AuditEvent.objects.order_by("id").values_list("action", flat=True))


def code_of(device):
    return f"{totp(device.bin_key):06}"


def guarded(user):
    """Switch the second factor on with the code of a minute ago, so that the one of now is unused."""
    device = accounts.begin_second_factor(user)
    codes = accounts.confirm_second_factor(user, code_of(device))
    TOTPDevice.objects.update(last_t=-1, drift=0)
    return TOTPDevice.objects.get(), codes


def test_wrong_passwords_lock_the_account_and_an_administrator_releases_it(client, grace, settings):
    settings.AXES_FAILURE_LIMIT = 3
    answers = [log_in(client, "wrong", REMOTE_ADDR=f"192.0.2.{number}").status_code for number in range(3)]
    locked = log_in(client, REMOTE_ADDR="192.0.2.9")

    assert answers == [200, 200, 429]
    assert locked.status_code == 429
    assert "Too many wrong passwords" in locked.content.decode()
    assert not logged_in(client)
    assert logged() == ["account.locked_out"]

    call_command("account", "release", "grace", stdout=StringIO())

    assert log_in(client, REMOTE_ADDR="192.0.2.9").status_code == 302
    assert logged_in(client)


def test_one_address_is_locked_whatever_names_it_tries(client, grace, settings):
    settings.AXES_FAILURE_LIMIT = 3
    for number in range(3):
        log_in(client, "wrong", name=f"guess-{number}", REMOTE_ADDR="192.0.2.1")

    assert log_in(client, REMOTE_ADDR="192.0.2.1").status_code == 429
    assert log_in(client, REMOTE_ADDR="192.0.2.2").status_code == 302


def test_the_lock_ends_by_itself(client, grace, settings):
    settings.AXES_FAILURE_LIMIT, settings.AXES_COOLOFF_TIME = 1, timedelta(minutes=15)
    log_in(client, "wrong")
    assert log_in(client).status_code == 429

    from axes.models import AccessAttempt  # noqa: PLC0415 - time is turned back behind the library

    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=16))

    assert log_in(client).status_code == 302


def test_a_link_of_the_command_sets_a_new_password_once(client, grace):
    out = StringIO()
    call_command("account", "reset", "grace", stdout=out)
    path = "/" + out.getvalue().strip().split("/", 3)[3]
    form = client.get(path, follow=True)

    client.post(form.redirect_chain[-1][0], {"new_password1": NEW, "new_password2": NEW})

    assert log_in(client, NEW).status_code == 302
    assert "This link has run out" in client.get(path, follow=True).content.decode()
    assert logged() == ["account.reset_link_made", "account.password_reset", "account.logged_in"]


def test_the_command_names_the_accounts_when_there_is_none_of_that_name(grace):
    with pytest.raises(CommandError, match=r"There is no account “grcae”\. Accounts: grace"):
        call_command("account", "reset", "grcae")


def test_a_link_is_mailed_where_mail_can_be_sent(client, grace, settings):
    settings.EMAIL_HOST, settings.SITE_URL = "mail.lab.example", "https://evenhand.example"

    client.post("/reset/", {"email": "grace@lab.example"})
    client.post("/reset/", {"email": "nobody@lab.example"})

    (sent,) = mail.outbox
    assert sent.to == ["grace@lab.example"]
    assert re.search(r"https://evenhand\.example/reset/\w+/[\w-]+/", sent.body)


def test_without_mail_the_page_says_who_makes_a_link(client, settings):
    settings.EMAIL_HOST = ""

    page = client.get("/reset/").content.decode()

    assert "manage.py account reset NAME" in page
    assert "<form" not in page.partition("<main")[2].partition("</main>")[0]


def test_the_second_factor_is_asked_for_at_login(client, grace):
    device, _ = guarded(grace)

    first = log_in(client)

    assert (first.status_code, first["Location"]) == (302, "/login/code/")
    assert not logged_in(client)
    assert client.post("/login/code/", {"code": "000000"}).status_code == 422
    assert not logged_in(client)
    TOTPDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    assert client.post("/login/code/", {"code": code_of(device)})["Location"] == "/studies/"
    assert logged_in(client)


def test_a_recovery_code_logs_in_once(client, grace):
    _, codes = guarded(grace)

    for expected in (302, 422):
        client.post("/logout/")
        log_in(client)
        assert client.post("/login/code/", {"code": codes[0].upper()}).status_code == expected
        TOTPDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)


def test_recovery_codes_are_not_in_the_database_and_count_for_one_account_only(grace):
    _, codes = guarded(grace)
    other = ResearcherFactory()
    accounts.confirm_second_factor(other, code_of(accounts.begin_second_factor(other)))

    kept = set(StaticToken.objects.values_list("token", flat=True))

    assert kept.isdisjoint(codes)
    assert not accounts.passes_second_factor(other, codes[0])
    assert accounts.passes_second_factor(grace, codes[0])


def test_what_is_kept_of_a_code_is_no_code_itself(grace):
    guarded(grace)
    kept = StaticToken.objects.first().token

    assert not accounts.passes_second_factor(grace, kept)


def test_the_key_is_shown_as_a_picture_that_a_phone_can_read(client, grace):
    client.force_login(grace)

    page = client.get("/account/second-factor/").content.decode()

    (size,) = re.findall(r'viewBox="0 0 (\d+) \d+" role="img" aria-label="QR code', page)
    squares = {(int(x), int(y)) for x, y in re.findall(r"M(\d+) (\d+)h1v1h-1z", page)}
    # Oracle: the library's own reading of the same address, with the margin of the standard.
    matrix = segno.make(TOTPDevice.objects.get().config_url, error="m").matrix
    assert int(size) == len(matrix) + 8
    assert squares == {(x + 4, y + 4) for y, row in enumerate(matrix) for x, dark in enumerate(row) if dark}
    assert "<style" not in page


def test_administrators_are_made_and_unmade_but_for_the_last(dashboard, grace):
    dashboard.post(f"/people/{grace.pk}/do/promote/")
    grace.refresh_from_db()
    assert (grace.is_superuser, grace.is_staff) == (True, True)
    dashboard.post(f"/people/{grace.pk}/do/demote/")
    ada = type(grace).objects.get(username="ada")
    page = dashboard.post(f"/people/{ada.pk}/do/demote/", follow=True).content.decode()

    grace.refresh_from_db()
    ada.refresh_from_db()
    assert (grace.is_superuser, grace.is_staff, ada.is_superuser) == (False, False, True)
    assert "ada is the only administrator" in page
    assert logged() == ["account.promoted", "account.demoted"]


def test_the_second_step_alone_leads_to_the_first(client, grace):
    guarded(grace)

    assert client.post("/login/code/", {"code": "000000"})["Location"] == "/login/"


def test_wrong_codes_lock_as_wrong_passwords_do(client, grace, settings):
    settings.AXES_FAILURE_LIMIT = 2
    guarded(grace)
    log_in(client)

    answers = [client.post("/login/code/", {"code": "000000"}).status_code for _ in range(2)]

    assert answers == [422, 429]
    assert client.get("/login/code/")["Location"] == "/login/"
    assert log_in(client).status_code == 429


def test_the_second_factor_is_switched_on_and_off_from_the_account(client, grace):
    client.force_login(grace)
    assert "Off. With it" in client.get("/account/").content.decode()
    client.get("/account/second-factor/")
    device = TOTPDevice.objects.get()

    assert client.post("/account/second-factor/", {"code": "12"}).status_code == 422
    TOTPDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    page = client.post("/account/second-factor/", {"code": code_of(device)}).content.decode()

    assert len(re.findall(r"<code>[0-9a-f]{10}</code>", page)) == accounts.RECOVERY_CODES
    assert accounts.has_second_factor(grace)
    assert client.post("/account/second-factor/off/", {"password": "wrong"}).status_code == 422
    assert accounts.has_second_factor(grace)
    client.post("/account/second-factor/off/", {"password": PASSWORD})
    assert not accounts.has_second_factor(grace)
    assert logged() == ["account.second_factor_on", "account.second_factor_off"]


def test_a_changed_password_keeps_this_browser_in(client, grace):
    client.force_login(grace)
    fields = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}

    assert client.post("/account/password/", fields | {"old_password": "wrong"}).status_code == 422
    client.post("/account/password/", fields)

    assert logged_in(client)
    assert logged() == ["account.password_changed"]


def test_the_admin_has_no_way_in_of_its_own(client, grace):
    assert client.get("/admin/login/")["Location"] == "/login/?next=/admin/"
    client.force_login(grace)
    assert client.get("/admin/login/").status_code == 403


def test_an_administrator_deactivates_and_the_last_one_stays(dashboard, researcher, grace, client):
    dashboard.post(f"/people/{grace.pk}/do/deactivate/")
    page = dashboard.post(f"/people/{researcher.pk}/do/deactivate/", follow=True).content.decode()

    grace.refresh_from_db()
    researcher.refresh_from_db()
    assert (grace.is_active, researcher.is_active) == (False, True)
    assert "ada is the only administrator" in page


def test_the_people_page_makes_a_link_that_sets_a_password(dashboard, grace):
    page = dashboard.post(f"/people/{grace.pk}/reset/").content.decode()

    (path,) = re.findall(r'value="http://[^/"]+(/reset/[^"]+)"', page)
    assert dashboard.get(path, follow=True).context["validlink"]
