import pytest
from django.db import IntegrityError, connection, transaction

from studies.domain.audit import GENESIS, canonical, event_hash, first_broken_event, record_event
from studies.models import AuditEvent

pytestmark = pytest.mark.django_db


def test_events_form_a_chain_from_the_beginning():
    first = record_event(actor="ada", action="study.opened", after={"status": "open"})

    second = record_event(actor="ada", action="study.closed")

    assert first.previous_hash == GENESIS
    assert second.previous_hash == first.hash
    assert first_broken_event() is None


def test_hash_is_the_same_once_read_back():
    event = record_event(actor="ada", action="x", before={"ä": 1.5}, after=[None, True])

    assert event_hash(AuditEvent.objects.get(pk=event.pk)) == event.hash


def test_chain_cannot_fork():
    event = record_event(actor="ada", action="x")

    with pytest.raises(IntegrityError), transaction.atomic():
        AuditEvent.objects.create(
            at=event.at, actor="eve", action="y", previous_hash=event.previous_hash, hash="f" * 64
        )


def test_tampered_row_is_found():
    record_event(actor="ada", action="one")
    tampered = record_event(actor="ada", action="two")
    record_event(actor="ada", action="three")
    trigger = "studies_auditevent_is_append_only_update"
    table = " ON studies_auditevent" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER {trigger}{table}")

    AuditEvent.objects.filter(pk=tampered.pk).update(actor="eve")

    assert first_broken_event() == (tampered.pk, tampered.at)


def test_canonical_json_does_not_depend_on_order():
    assert canonical({"b": 1, "a": "é"}) == canonical({"a": "é", "b": 1}) == '{"a":"é","b":1}'
