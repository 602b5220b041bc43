"""What every request passes: who, how often, once or again, and in which form it is refused."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from studies.domain.audit import record_event
from studies.domain.tokens import revoke_token
from studies.enums import Scope
from studies.files.writer import export_study
from studies.models import ApiToken, AuditEvent, KeptAnswer, Study
from tests.factories import (
    AnnotatorFactory,
    ResearcherFactory,
    closed_study,
    draft_study,
    open_study,
    ready_study,
)
from tests.studies.api.conftest import Program

pytestmark = pytest.mark.django_db
PROBLEM = "application/problem+json"


def kind_of(response):
    assert response["Content-Type"] == PROBLEM
    body = response.json()
    assert {"type", "title", "status", "detail"} <= set(body)
    assert body["status"] == response.status_code
    return body["type"].partition("#")[2]


def test_nobody_is_told_to_bring_a_token(client):
    response = client.get("/api/v1/studies")

    assert (response.status_code, kind_of(response)) == (401, "unauthenticated")
    assert response["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("spoil", ["wrong", "revoked", "ended", "deactivated"])
def test_a_token_that_does_not_hold_is_refused(program, spoil):
    match spoil:
        case "wrong":
            program.secret += "x"
        case "revoked":
            revoke_token(token=program.token, actor="tests")
        case "ended":
            now = timezone.now()
            ApiToken.objects.update(created_at=now - timedelta(days=2), expires_at=now - timedelta(days=1))
        case "deactivated":
            type(program.user).objects.update(is_active=False)

    response = program("GET", "studies")

    assert (response.status_code, kind_of(response)) == (401, "unauthenticated")


def test_only_the_hash_of_a_token_is_kept_and_its_use_is_noted(program):
    assert ApiToken.objects.get().last_used_at is None

    assert program("GET", "account").status_code == 200

    row = ApiToken.objects.get()
    assert program.secret not in json.dumps(ApiToken.objects.values().get(), default=str)
    assert program.secret.startswith(row.prefix)
    assert row.last_used_at is not None
    made = AuditEvent.objects.get(action="token.made")
    assert program.secret not in json.dumps(made.after)
    assert made.after["scopes"] == "read write results personal members"


def test_a_token_does_no_more_than_its_scopes_say(researcher):
    study = draft_study()
    reader = Program(researcher, Scope.READ)

    assert reader("GET", f"studies/{study.slug}").status_code == 200
    refused = reader("POST", f"studies/{study.slug}/moves/generate")

    assert (refused.status_code, kind_of(refused), refused.json()["scope"]) == (403, "scope", "write")
    study.refresh_from_db()
    assert study.status == "draft"


def test_a_session_changes_nothing_without_its_csrf_token(researcher):
    study = draft_study()
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(researcher)
    address = f"/api/v1/studies/{study.slug}/moves/generate"
    browser.get("/account/")

    refused = browser.post(address, "{}", content_type="application/json")
    taken = browser.post(
        address,
        "{}",
        content_type="application/json",
        headers={"x-csrftoken": browser.cookies["csrftoken"].value},
    )

    assert (refused.status_code, kind_of(refused)) == (403, "csrf")
    assert (taken.status_code, taken.json()["status"]) == (200, "generating")


def test_a_study_of_others_is_not_there():
    study = open_study(comparisons=1)
    stranger = Program(ResearcherFactory())

    answers = [
        stranger("GET", f"studies/{study.slug}"),
        stranger("GET", f"studies/{study.slug}/status"),
        stranger("POST", f"studies/{study.slug}/moves/close"),
        stranger("GET", "studies/nothing-of-that-name"),
    ]

    assert [(one.status_code, kind_of(one)) for one in answers] == [(404, "not-found")] * 4
    assert stranger("GET", "studies").json()["items"] == []


def test_requests_are_limited_by_token(program, researcher, settings):
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"api": "3/minute"}
    other = Program(researcher)

    answers = [program("GET", "studies") for _ in range(4)]

    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert [one["RateLimit-Remaining"] for one in answers] == ["2", "1", "0", "0"]
    assert kind_of(answers[-1]) == "rate-limit"
    assert int(answers[-1]["Retry-After"]) == answers[-1].json()["retry_after"] > 0
    assert other("GET", "studies").status_code == 200


def test_who_guesses_tokens_is_shut_out_for_a_while(program, settings):
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"tokens": "3/minute"}
    guesser = Client()

    guesses = [
        guesser.get("/api/v1/studies", headers={"authorization": f"Bearer guess-{number}"}).status_code
        for number in range(5)
    ]

    assert guesses == [401, 401, 401, 429, 429]


def test_the_same_answer_is_sent_once(program):
    study = draft_study()

    first = program("GET", f"studies/{study.slug}")
    again = program("GET", f"studies/{study.slug}", if_none_match=first["ETag"])
    listed = program("GET", "studies")
    listed_again = program("GET", "studies", if_none_match=listed["ETag"])

    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    assert (listed.status_code, listed_again.status_code) == (200, 304)


def test_a_change_of_something_else_than_was_seen_is_refused(program):
    study = ready_study(prompts=1)
    seen = program("GET", f"studies/{study.slug}")["ETag"]

    opened = program("POST", f"studies/{study.slug}/moves/open", if_match=seen)
    late = program("POST", f"studies/{study.slug}/moves/close", if_match=seen)
    knowing = program("POST", f"studies/{study.slug}/moves/pause", if_match=opened["ETag"])

    assert opened.status_code == 200
    assert (late.status_code, kind_of(late)) == (412, "changed")
    assert (knowing.status_code, knowing.json()["status"]) == (200, "paused")


def test_a_request_with_a_key_is_done_once(program):
    study = ready_study(prompts=1)
    path = f"studies/{study.slug}/moves/open"

    first = program("POST", path, {}, idempotency_key="open-1")
    again = program("POST", path, {}, idempotency_key="open-1")
    without = program("POST", path, {})

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.content == again.content
    assert (first.headers.get("Idempotency-Replayed"), again["Idempotency-Replayed"]) == (None, "true")
    assert kind_of(without) == "conflict"
    assert AuditEvent.objects.filter(action="study.opened").count() == 1


def test_a_key_is_not_lent_to_another_request(program, researcher):
    study = ready_study(prompts=1)
    path = f"studies/{study.slug}/moves/open"
    program("POST", path, {}, idempotency_key="one")

    other_body = program("POST", path, {"finished": "keep"}, idempotency_key="one")
    other_path = program("POST", f"studies/{study.slug}/moves/close", {}, idempotency_key="one")

    assert [kind_of(other_body), kind_of(other_path)] == ["key-reused"] * 2
    assert other_body.status_code == 422
    study.refresh_from_db()
    assert study.status == "open"


def test_a_key_is_free_again_after_a_day(program):
    study = ready_study(prompts=1)
    program("POST", f"studies/{study.slug}/moves/open", {}, idempotency_key="one")
    KeptAnswer.objects.update(created_at=timezone.now() - timedelta(days=1, minutes=1))

    later = program("POST", f"studies/{study.slug}/moves/close", {}, idempotency_key="one")

    assert (later.status_code, later.json()["status"]) == (200, "closed")


def test_what_broke_can_be_tried_again_with_its_key(program, monkeypatch):
    study = ready_study(prompts=1)
    path = f"studies/{study.slug}/moves/open"

    def breaks(_study):
        raise RuntimeError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr("studies.domain.lifecycle.plan_checks", breaks)
        first = program("POST", path, {}, idempotency_key="one")
    again = program("POST", path, {}, idempotency_key="one")

    assert (first.status_code, kind_of(first)) == (500, "internal")
    assert "disk" not in first.text
    assert (again.status_code, again.json()["status"]) == (200, "open")


def test_a_study_file_is_imported_as_yaml_and_as_json(program):
    import yaml  # noqa: PLC0415 - only here

    text = export_study(draft_study(slug="first"))
    content = yaml.safe_load(text.replace("study: first", "study: second"))
    content["description"] = "Ein Häfchen 🚢 \\ud83d"

    again = program("POST", "studies", text, kind="application/yaml")
    made = program("POST", "studies", content)
    tabbed = program("POST", "studies", json.dumps(content | {"study": "third"}, indent="\t"))

    assert (again.status_code, again.json()["study"]) == (200, "first")
    assert (made.status_code, made["Location"]) == (201, "/api/v1/studies/second")
    assert tabbed.status_code == 201
    assert Study.objects.get(slug="second").description == "Ein Häfchen 🚢 \\ud83d"
    assert (
        program("GET", "studies/second/file").content
        == export_study(Study.objects.get(slug="second")).encode()
    )


def test_what_is_wrong_with_a_study_file_is_told_with_its_place(program):
    text = export_study(draft_study(slug="first")).replace("overlap:", "overlapp:")
    line = text[: text.index("overlapp:")].count("\n") + 1

    response = program("POST", "studies", text, kind="application/yaml")

    assert (response.status_code, kind_of(response)) == (422, "study-file")
    told = response.json()
    assert (told["line"], told["field"]) == (line, "overlapp")
    assert "unknown key" in told["problem"]


def test_addresses_methods_and_bodies_that_are_not_known_are_told_so(program):
    answers = {
        "not-found": program("GET", "nothing/here%0A"),
        "method": program("PUT", "studies", {}),
        "media-type": program("POST", "studies", "x", kind="text/html"),
        "invalid": program("GET", "studies?page=none"),
        "bad-request": program("POST", f"studies/{draft_study().slug}/moves/open", "{"),
    }

    assert {name: kind_of(answer) for name, answer in answers.items()} == {name: name for name in answers}
    assert sorted(answers["method"]["Allow"].split(", ")) == ["GET", "POST"]
    assert answers["invalid"].json()["errors"][0]["field"] == "page"


def test_lists_come_in_pages_with_links(program):
    for number in range(3):
        draft_study(slug=f"study-{number}")

    first = program("GET", "studies?per_page=2").json()
    second = program("GET", first["next"].partition("/api/v1/")[2]).json()

    assert (first["count"], first["pages"], first["previous"]) == (3, 2, None)
    assert [one["study"] for one in first["items"] + second["items"]] == ["study-2", "study-1", "study-0"]
    assert second["next"] is None


def test_head_tells_what_get_would_and_takes_nothing_out(program):
    study = closed_study(comparisons=1)
    paths = [f"studies/{study.slug}", f"studies/{study.slug}/judgments.csv", "studies/none", "nothing"]

    answers = [program("HEAD", path) for path in paths]

    assert [(answer.status_code, answer.content) for answer in answers] == [
        (200, b""), (200, b""), (404, b""), (404, b""),
    ]  # fmt: skip
    assert answers[0]["ETag"] == program("GET", paths[0])["ETag"]
    assert not study.events.filter(action="file.downloaded").exists()


@pytest.mark.parametrize("which", ["studies", "events", "annotators"])
def test_what_comes_meanwhile_moves_nothing_between_pages(program, which):
    study = open_study(comparisons=1)
    for number in range(4):
        draft_study(slug=f"listed-{number}")
        AnnotatorFactory(study=study, pseudonym=f"m-{number}")
        record_event(actor="tests", action="test.happened", study=study)
    path = "studies" if which == "studies" else f"studies/{study.slug}/{which}"

    def walk():
        found, following = [], f"{path}?per_page=2"
        while following:
            page = program("GET", following.partition("/api/v1/")[2] or following).json()
            yield page["count"]
            found += [json.dumps(one, sort_keys=True) for one in page["items"]]
            following = page["next"]
        assert len(found) == len(set(found)) == page["count"]

    pages = walk()
    first = next(pages)
    draft_study(slug="meanwhile")
    AnnotatorFactory(study=study, pseudonym="a-comes-first")
    record_event(actor="tests", action="test.happened", study=study)

    assert set(pages) == {first}
    assert program("GET", path).json()["count"] == first + 1
