from contextlib import contextmanager

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from studies.domain.audit import GENESIS, canonical, event_hash, find_break, record_event
from studies.models import AuditEvent, AuditHead

pytestmark = pytest.mark.django_db


def test_events_form_a_chain_from_the_beginning():
    first = record_event(actor="ada", action="study.opened", after={"status": "open"})

    second = record_event(actor="ada", action="study.closed")

    assert first.previous_hash == GENESIS
    assert second.previous_hash == first.hash
    assert find_break() is None


def test_hash_is_the_same_once_read_back():
    event = record_event(actor="ada", action="x", before={"ä": 1.5}, after=[None, True])

    assert event_hash(AuditEvent.objects.get(pk=event.pk)) == event.hash


def test_chain_cannot_fork():
    event = record_event(actor="ada", action="x")

    with pytest.raises(IntegrityError), transaction.atomic():
        AuditEvent.objects.create(
            at=event.at, actor="eve", action="y", previous_hash=event.previous_hash, hash="f" * 64
        )


@contextmanager
def unguarded():
    """Without the triggers that refuse it, as somebody with the database's password could be."""
    table = " ON studies_auditevent" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        for event in ("update", "delete"):
            cursor.execute(f"DROP TRIGGER studies_auditevent_is_append_only_{event}{table}")
    yield


@pytest.fixture
def four():
    with unguarded():
        yield [record_event(actor="ada", action=name) for name in ("one", "two", "three", "four")]


def found():
    broken = find_break()
    return broken and (broken.event, broken.what.partition(":")[0])


def test_a_whole_log_has_no_break(four):
    assert find_break() is None


def test_a_deleted_row_is_found(four):
    AuditEvent.objects.filter(pk=four[1].pk).delete()

    assert found() == (four[2].pk, "follows a row that is gone")


def test_rows_deleted_at_the_end_are_found(four):
    AuditEvent.objects.filter(pk__in=[four[2].pk, four[3].pk]).delete()

    assert found() == (four[1].pk, "is not the end of the log")
    assert find_break().what.endswith("4 were written and 2 are there")


def test_a_log_without_its_head_is_found(four):
    AuditHead.objects.all().delete()

    assert found() == (four[3].pk, "is not the end of the log")


def test_an_inserted_row_is_found(four):
    event = AuditEvent(at=four[0].at, actor="eve", action="forged", previous_hash="b" * 64)
    event.hash = event_hash(event)
    event.pk = four[3].pk + 1
    event.save(force_insert=True)

    assert found() == (event.pk, "follows a row that is gone")


def test_a_row_inserted_between_two_is_found(four):
    last = four[3].pk
    AuditEvent.objects.filter(pk=last).update(id=last + 1)
    event = AuditEvent(pk=last, at=four[0].at, actor="eve", action="forged", previous_hash="b" * 64)
    event.hash = event_hash(event)
    event.save(force_insert=True)

    assert found() == (last, "was inserted")


def test_rows_that_changed_places_are_found(four):
    AuditEvent.objects.filter(pk=four[1].pk).update(id=four[3].pk + 1)

    assert found() == (four[2].pk, "is not in its place")


def test_the_command_names_the_row_and_fails(four):
    call_command("audit", "verify")
    AuditEvent.objects.filter(pk=four[2].pk).update(actor="eve")

    with pytest.raises(CommandError, match=f"event {four[2].pk} of .* was changed") as refusal:
        call_command("audit", "verify")
    assert refusal.value.returncode == 1


def test_a_log_that_was_written_anew_lacks_the_head_of_an_earlier_look(four):
    call_command("audit", "verify", "--head", four[1].hash)

    with pytest.raises(CommandError, match="written anew"):
        call_command("audit", "verify", "--head", "c" * 64)


def test_tampered_row_is_found():
    record_event(actor="ada", action="one")
    tampered = record_event(actor="ada", action="two")
    record_event(actor="ada", action="three")
    trigger = "studies_auditevent_is_append_only_update"
    table = " ON studies_auditevent" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER {trigger}{table}")

    AuditEvent.objects.filter(pk=tampered.pk).update(actor="eve")

    broken = find_break()
    assert (broken.event, broken.at) == (tampered.pk, tampered.at)


def test_canonical_json_does_not_depend_on_order():
    assert canonical({"b": 1, "a": "é"}) == canonical({"a": "é", "b": 1}) == '{"a":"é","b":1}'
