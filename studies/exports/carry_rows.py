"""The rows of an export into the tables: looked up by name, a batch at a time."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import Any, TypeVar

from django.db import DataError, IntegrityError, models, transaction

from generation.models import Completion
from studies.exports import tables
from studies.exports.archive import Archive, path_of
from studies.exports.columns import Table
from studies.files.errors import StudyFileError
from studies.models import Annotator, Assignment, Comparison, Exclusion, Judgment, Refusal, Skip, Study

_BATCH = 1_000
Cells = dict[str, Any]
Made = TypeVar("Made", bound=models.Model)


@dataclass(slots=True)
class _Known:
    """What rows refer to by name, found so far."""

    prompts: dict[str, Any]
    arms: dict[str, Any]
    criteria: dict[str, Any]
    completions: dict[tuple[Any, Any, int], int] = field(default_factory=dict)
    annotators: dict[str, Annotator] = field(default_factory=dict)
    comparisons: list[int] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)


class _Reader:
    """The rows of one table, with errors that name file, row and column."""

    def __init__(self, archive: Archive, table: Table) -> None:
        self._archive, self.table, self.number = archive, table, 0

    def __iter__(self) -> Iterator[Cells]:
        for number, cells in self._archive.rows(self.table):
            self.number = number
            yield dict(zip(self.table.names, cells, strict=True))

    def wrong(self, column: str, problem: str) -> StudyFileError:
        """Return the error for a cell of the row at hand."""
        return StudyFileError(problem, name=path_of(self.table), line=self.number, field=column)

    def look_up(self, column: str, known: Mapping[Any, Any], value: Any) -> Any:
        """Return what a name stands for."""
        if value not in known:
            raise self.wrong(column, f"there is no {value!r} in this study")
        return known[value]

    def comparison(self, known: _Known, number: int) -> int:
        """Return the id of a comparison by its number."""
        if not 1 <= number <= len(known.comparisons):
            raise self.wrong("comparison", f"there is no comparison {number}")
        return known.comparisons[number - 1]

    def store(self, made: Iterable[Made], keep: Callable[[list[Made]], object]) -> None:
        """Hand batches of rows over; what the database refuses is told with the rows' numbers."""
        left = iter(made)
        before = 0
        while batch := list(islice(left, _BATCH)):
            try:
                with transaction.atomic():
                    keep(batch)
            except (IntegrityError, DataError) as error:
                problem = f"the database refuses rows {before + 1} to {before + len(batch)}: {error}"
                raise StudyFileError(" ".join(problem.split()), name=path_of(self.table)) from error
            before += len(batch)


def carry_rows(archive: Archive, study: Study) -> None:
    """Store what the tables of an export say, in the order in which rows refer to each other."""
    known = _Known(
        prompts={prompt.name: prompt for prompt in study.prompts.all()},
        arms={arm.name: arm for arm in study.arms.select_related("checkpoint")},
        criteria={criterion.name: criterion for criterion in study.criteria.all()},
    )
    for table, carry in _STEPS:
        if table not in tables.PERSONAL or archive.manifest.get("personal"):
            carry(_Reader(archive, table), study, known)


def _completions(rows: _Reader, study: Study, known: _Known) -> None:
    def made() -> Iterator[Completion]:
        for cells in rows:
            arm = rows.look_up("arm", known.arms, cells.pop("arm"))
            if cells.pop("checkpoint") != arm.checkpoint.name:
                raise rows.wrong("checkpoint", f"the arm’s checkpoint is {arm.checkpoint.name}")
            yield Completion(
                batch_key=study.key,
                prompt_key=rows.look_up("prompt", known.prompts, cells.pop("prompt")).key,
                arm_key=arm.key,
                checkpoint=arm.checkpoint,
                status=Completion.Status.DONE,
                tokens_so_far=cells["token_count"],
                **cells,
            )

    def keep(batch: list[Completion]) -> None:
        for item in Completion.objects.bulk_create(batch):
            known.completions[item.prompt_key, item.arm_key, item.replicate] = item.pk

    rows.store(made(), keep)


def _comparisons(rows: _Reader, study: Study, known: _Known) -> None:
    def made() -> Iterator[Comparison]:
        for cells in rows:
            if cells.pop("comparison") != rows.number:
                raise rows.wrong("comparison", f"the number of this row has to be {rows.number}")
            prompt = rows.look_up("prompt", known.prompts, cells.pop("prompt"))
            replicate = cells.pop("replicate")
            sides: dict[str, Any] = {}
            for side in ("candidate", "baseline"):
                arm = rows.look_up(f"{side}_arm", known.arms, cells.pop(f"{side}_arm"))
                place = (prompt.key, arm.key, replicate)
                sides |= {f"{side}_arm": arm}
                sides |= {f"{side}_id": rows.look_up("replicate", known.completions, place)}
            yield Comparison(study=study, prompt=prompt, **sides, **cells)

    def keep(batch: list[Comparison]) -> None:
        for item in Comparison.objects.bulk_create(batch):
            known.comparisons.append(item.pk)
            known.kinds.append(item.kind)

    rows.store(made(), keep)


def _annotators(rows: _Reader, study: Study, known: _Known) -> None:
    created: dict[str, Any] = {}

    def made() -> Iterator[Annotator]:
        for cells in rows:
            created[cells["annotator"]] = cells.pop("created_at")
            yield Annotator(study=study, pseudonym=cells.pop("annotator"), code="", **cells)

    def keep(batch: list[Annotator]) -> None:
        for item in Annotator.objects.bulk_create(batch):
            item.created_at = created.pop(item.pseudonym)
            known.annotators[item.pseudonym] = item
        # The moment of a new row is set by the database layer, so it is put right behind it.
        Annotator.objects.bulk_update(batch, ["created_at"])

    rows.store(made(), keep)


def _identities(rows: _Reader, _study: Study, known: _Known) -> None:
    def made() -> Iterator[Annotator]:
        for cells in rows:
            annotator: Annotator = rows.look_up("annotator", known.annotators, cells["annotator"])
            annotator.external_id, annotator.session_id = cells["external_id"], cells["session_id"]
            yield annotator

    rows.store(
        made(), lambda batch: Annotator.objects.bulk_update(batch, ["external_id", "session_id"], _BATCH)
    )


def _survey(rows: _Reader, _study: Study, known: _Known) -> None:
    answered: dict[str, Annotator] = {}
    for cells in rows:
        annotator = rows.look_up("annotator", known.annotators, cells["annotator"])
        annotator.survey[cells["question"]] = cells["answer"]
        answered[annotator.pseudonym] = annotator
    rows.store(answered.values(), lambda batch: Annotator.objects.bulk_update(batch, ["survey"]))


def _assignments(rows: _Reader, study: Study, known: _Known) -> None:
    def made() -> Iterator[Assignment]:
        for cells in rows:
            number, who, ordinal = cells.pop("comparison"), cells.pop("annotator"), cells.pop("ordinal")
            annotator = None if who is None else rows.look_up("annotator", known.annotators, who)
            place = annotator.pk if ordinal is None and annotator else ordinal
            if place is None:
                raise rows.wrong("ordinal", "a row of the slot plan has a number, or is somebody’s own")
            yield Assignment(
                study=study,
                comparison_id=rows.comparison(known, number),
                annotator=annotator,
                ordinal=place,
                **cells,
            )

    rows.store(made(), Assignment.objects.bulk_create)


def _judgments(rows: _Reader, _study: Study, known: _Known) -> None:
    """Store judgments; what else their rows say is compared when all is there."""
    places: list[tuple[int, int]] = []

    def made() -> Iterator[Judgment]:
        for cells in rows:
            annotator = rows.look_up("annotator", known.annotators, cells["annotator"])
            places.append((rows.comparison(known, cells["comparison"]), annotator.pk))
            strength = cells["strength"]
            yield Judgment(
                criterion=rows.look_up("criterion", known.criteria, cells["criterion"]),
                choice=cells["choice"],
                strength=None if strength is None else abs(strength),
                reason=cells["reason"],
                ticked=cells["ticked"],
                active_ms=cells["active_ms"],
                submitted_at=cells["submitted_at"],
            )

    def keep(batch: list[Judgment]) -> None:
        pairs = {comparison for comparison, _ in places}
        held = Assignment.objects.filter(comparison__in=pairs, annotator__isnull=False)
        found = {(pair, who): pk for pk, pair, who in held.values_list("pk", "comparison_id", "annotator_id")}
        for judgment, place in zip(batch, places, strict=True):
            if place not in found:
                raise rows.wrong("annotator", "one of the rows up to here was never given to its annotator")
            judgment.assignment_id = found[place]
            # One submission has one key, for all its criteria.
            judgment.key = uuid.uuid5(uuid.NAMESPACE_OID, f"{_study.key} {judgment.assignment_id}")
        places.clear()
        Judgment.objects.bulk_create(batch)

    rows.store(made(), keep)


def _skips(rows: _Reader, _study: Study, known: _Known) -> None:
    def made() -> Iterator[Skip]:
        for cells in rows:
            annotator = rows.look_up("annotator", known.annotators, cells.pop("annotator"))
            yield Skip(
                annotator=annotator, comparison_id=rows.comparison(known, cells.pop("comparison")), **cells
            )

    rows.store(made(), _dated(Skip))


def _exclusions(rows: _Reader, study: Study, known: _Known) -> None:
    def made() -> Iterator[Exclusion]:
        for cells in rows:
            annotator = rows.look_up("annotator", known.annotators, cells.pop("annotator"))
            number, criterion = cells.pop("comparison"), cells.pop("criterion")
            if number is None:
                yield Exclusion(study=study, annotator=annotator, **cells)
                continue
            judgment = Judgment.objects.filter(
                assignment__annotator=annotator,
                assignment__comparison=rows.comparison(known, number),
                criterion=rows.look_up("criterion", known.criteria, criterion),
            ).first()
            if judgment is None:
                raise rows.wrong("comparison", "the annotator has no such judgment")
            yield Exclusion(study=study, judgment=judgment, **cells)

    rows.store(made(), _dated(Exclusion))


def _dated(model: type[Made]) -> Callable[[list[Made]], None]:
    """Return a way to store rows with the moment that they bring, rather than that of storing."""

    def keep(batch: list[Made]) -> None:
        moments = [row.created_at for row in batch]  # type: ignore[attr-defined]
        model._default_manager.bulk_create(batch)  # noqa: SLF001 - Django's documented name
        for row, moment in zip(batch, moments, strict=True):
            row.created_at = moment  # type: ignore[attr-defined]
        model._default_manager.bulk_update(batch, ["created_at"])  # noqa: SLF001 - as above

    return keep


def _refusals(rows: _Reader, study: Study, _known: _Known) -> None:
    def made() -> Iterator[Refusal]:
        for cells in rows:
            try:
                yield Refusal(study=study, day=date.fromisoformat(cells["day"]))
            except ValueError:
                raise rows.wrong("day", f"{cells['day']!r} is no day") from None

    rows.store(made(), Refusal.objects.bulk_create)


_STEPS: tuple[tuple[Table, Callable[[_Reader, Study, _Known], None]], ...] = (
    (tables.COMPLETIONS, _completions),
    (tables.COMPARISONS, _comparisons),
    (tables.ANNOTATORS, _annotators),
    (tables.IDENTITIES, _identities),
    (tables.SURVEY, _survey),
    (tables.ASSIGNMENTS, _assignments),
    (tables.JUDGMENTS, _judgments),
    (tables.SKIPS, _skips),
    (tables.EXCLUSIONS, _exclusions),
    (tables.REFUSALS, _refusals),
)
