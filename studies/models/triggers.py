"""Invariants that no constraint can say, kept by triggers on SQLite and PostgreSQL alike.

They are installed after every migration rather than by one, because Django rebuilds a table of
SQLite when a later migration alters it, and a rebuilt table has lost its triggers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connections

from studies.enums import MOVES

PLAN_COLUMNS = (
    "slug",
    "title",
    "instructions",
    "consent",
    "seed",
    "overlap",
    "quota",
    "tie_rule",
    "draws",
    "design",
    "replicates",
    "answer_marker",
    "text_format",
    "lease_minutes",
    "min_exposure_ms",
    "minutes",
    "checks",
    "written_checks",
    "repeats",
    "practice",
    "comprehension",
    "survey",
    "differences",
    "reasons",
    "recruiting",
    "quality",
    "analysis",
    "retention_days",
    "plan",
    "plan_hash",
)


@dataclass(frozen=True, slots=True)
class Trigger:
    """Refuse ``event`` on ``table`` when ``condition`` holds, naming the invariant."""

    name: str
    table: str
    event: str
    condition: str


def _legal_move() -> str:
    return " OR ".join(
        f"(OLD.status = '{source}' AND NEW.status = '{target}')"
        for source, targets in MOVES.items()
        for target in targets
    )


def _changed(column: str) -> str:
    return f"COALESCE(CAST(NEW.{column} AS TEXT), '') <> COALESCE(CAST(OLD.{column} AS TEXT), '')"


def _parent_frozen(row: str) -> str:
    # The names come from this module, never from input.
    return f"EXISTS (SELECT 1 FROM studies_study s WHERE s.id = {row}.study_id AND s.plan_hash <> '')"  # noqa: S608


def _count(table: str, condition: str = "") -> str:
    return f"(SELECT COUNT(*) FROM {table} c WHERE c.study_id = NEW.id{condition})"  # noqa: S608


def _plan_part(table: str, but: str = "") -> list[Trigger]:
    name = f"{table}_is_part_of_frozen_plan"
    return [
        Trigger(f"{name}_insert", table, "INSERT", f"{_parent_frozen('NEW')}{but}"),
        Trigger(f"{name}_update", table, "UPDATE", _parent_frozen("OLD")),
        Trigger(f"{name}_delete", table, "DELETE", _parent_frozen("OLD")),
    ]


# The next addition's, while the study takes any: beside the plan, and no part of it.
_ADDED = (
    " AND NOT EXISTS (SELECT 1 FROM studies_study s WHERE s.id = NEW.study_id "
    "AND NEW.addition > 0 AND NEW.addition = s.additions AND s.status IN ('open', 'paused'))"
)


def _own(row: str) -> str:
    return f"(SELECT c.kind FROM studies_comparison c WHERE c.id = {row}.comparison_id) <> 'real'"  # noqa: S608


def _report_done(row: str) -> str:
    return f"EXISTS (SELECT 1 FROM studies_report r WHERE r.id = {row}.report_id AND r.state = 'done')"  # noqa: S608


_PRIMARY = ' AND c."primary"'  # a reserved word of SQL

TRIGGERS: tuple[Trigger, ...] = (
    Trigger(
        "studies_study_status_moves_forward",
        "studies_study",
        "UPDATE",
        f"NEW.status <> OLD.status AND NOT ({_legal_move()})",
    ),
    Trigger(
        "studies_study_plan_is_frozen",
        "studies_study",
        "UPDATE",
        f"OLD.plan_hash <> '' AND ({' OR '.join(_changed(column) for column in PLAN_COLUMNS)})",
    ),
    Trigger(
        "studies_study_once_simulated_stays_so",
        "studies_study",
        "UPDATE",
        "OLD.simulated AND NOT NEW.simulated",
    ),
    Trigger(
        "studies_study_extension_grows_while_open",
        "studies_study",
        "UPDATE",
        "NEW.extension <> OLD.extension AND NOT "
        "(NEW.extension > OLD.extension AND OLD.status IN ('open', 'paused'))",
    ),
    Trigger(
        "studies_study_additions_grow_while_open",
        "studies_study",
        "UPDATE",
        "NEW.additions <> OLD.additions AND NOT "
        "(NEW.additions = OLD.additions + 1 AND OLD.status IN ('open', 'paused'))",
    ),
    Trigger(
        "studies_study_once_unblinded_stays_so",
        "studies_study",
        "UPDATE",
        f"OLD.unblinded_at IS NOT NULL AND {_changed('unblinded_at')}",
    ),
    Trigger(
        "studies_study_freezes_complete_plan",
        "studies_study",
        "UPDATE",
        "OLD.plan_hash = '' AND NEW.plan_hash <> '' AND NOT ("
        f"{_count('studies_arm')} >= 2 "
        f"AND {_count('studies_arm', ' AND c.baseline')} = 1 "
        f"AND {_count('studies_criterion', _PRIMARY)} = 1 "
        f"AND {_count('studies_prompt')} >= 1)",
    ),
    *_plan_part("studies_criterion"),
    *_plan_part("studies_arm"),
    *_plan_part("studies_prompt", but=_ADDED),
    Trigger(
        "studies_assignment_never_more_than_overlap",
        "studies_assignment",
        "INSERT",
        "NEW.ordinal > (SELECT s.overlap + s.extension FROM studies_study s WHERE s.id = NEW.study_id) "  # noqa: S608
        f"AND NOT {_own('NEW')}",
    ),
    Trigger(
        "studies_assignment_own_row_has_its_annotator",
        "studies_assignment",
        "INSERT",
        f"COALESCE(NEW.ordinal <> NEW.annotator_id, 1 = 1) AND {_own('NEW')}",
    ),
    Trigger(
        "studies_assignment_own_row_is_not_handed_on",
        "studies_assignment",
        "UPDATE",
        "OLD.annotator_id IS NOT NULL AND COALESCE(NEW.annotator_id <> OLD.annotator_id, 1 = 1) "
        f"AND {_own('OLD')}",
    ),
    Trigger(
        "studies_comparison_leaves_plan_before_opening",
        "studies_comparison",
        "UPDATE",
        f"(NEW.kind = 'out') <> (OLD.kind = 'out') AND {_parent_frozen('OLD')}",
    ),
    Trigger("studies_report_done_stays_update", "studies_report", "UPDATE", "OLD.state = 'done'"),
    Trigger("studies_report_done_stays_delete", "studies_report", "DELETE", "OLD.state = 'done'"),
    Trigger(
        "studies_report_done_has_files",
        "studies_report",
        "UPDATE",
        "NEW.state = 'done' AND NOT EXISTS (SELECT 1 FROM studies_reportfile f WHERE f.report_id = NEW.id)",
    ),
    Trigger("studies_reportfile_stays_insert", "studies_reportfile", "INSERT", _report_done("NEW")),
    Trigger("studies_reportfile_stays_update", "studies_reportfile", "UPDATE", _report_done("OLD")),
    Trigger("studies_reportfile_stays_delete", "studies_reportfile", "DELETE", _report_done("OLD")),
    Trigger("studies_auditevent_is_append_only_update", "studies_auditevent", "UPDATE", "1 = 1"),
    Trigger("studies_auditevent_is_append_only_delete", "studies_auditevent", "DELETE", "1 = 1"),
)


def _sqlite(trigger: Trigger) -> list[str]:
    return [
        f"DROP TRIGGER IF EXISTS {trigger.name}",
        f"CREATE TRIGGER {trigger.name} BEFORE {trigger.event} ON {trigger.table} FOR EACH ROW "
        f"WHEN {trigger.condition} BEGIN SELECT RAISE(ABORT, '{trigger.name}'); END",
    ]


def _postgresql(trigger: Trigger) -> list[str]:
    row = "OLD" if trigger.event == "DELETE" else "NEW"
    return [
        f"CREATE OR REPLACE FUNCTION {trigger.name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {trigger.condition} THEN "
        f"RAISE EXCEPTION '{trigger.name}' USING ERRCODE = 'check_violation'; END IF; "
        f"RETURN {row}; END $$",
        f"DROP TRIGGER IF EXISTS {trigger.name} ON {trigger.table}",
        f"CREATE TRIGGER {trigger.name} BEFORE {trigger.event} ON {trigger.table} "
        f"FOR EACH ROW EXECUTE FUNCTION {trigger.name}()",
    ]


def install(using: str = "default", **_signal: Any) -> None:
    """Create every trigger anew. Connected to `post_migrate`; harmless to repeat."""
    connection = connections[using]
    dialect = {"sqlite": _sqlite, "postgresql": _postgresql}[connection.vendor]
    with connection.cursor() as cursor:
        existing = set(connection.introspection.table_names(cursor))
        for trigger in TRIGGERS:
            if trigger.table in existing:
                for statement in dialect(trigger):
                    cursor.execute(statement)


def remove(using: str = "default", **_signal: Any) -> None:
    """Drop every trigger before migrations run. Connected to `pre_migrate`.

    SQLite alters a table by renaming a copy, and refuses while the trigger of any table names it.
    """
    connection = connections[using]
    suffix = " ON {}" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        existing = set(connection.introspection.table_names(cursor))
        for trigger in TRIGGERS:
            if trigger.table in existing:
                cursor.execute(f"DROP TRIGGER IF EXISTS {trigger.name}{suffix.format(trigger.table)}")


def missing(using: str = "default") -> list[str]:
    """Return the names of triggers that the database lacks."""
    connection = connections[using]
    listing = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal",
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(listing)
        there = {name for (name,) in cursor.fetchall()}
    return [trigger.name for trigger in TRIGGERS if trigger.name not in there]
