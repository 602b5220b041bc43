"""Completions written elsewhere: another engine, an API, a person. All rows are stored, or none."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext
from pydantic import Field, ValidationError

from generation import requests
from generation.models import Completion
from studies.domain import lifecycle
from studies.domain.audit import record_event
from studies.domain.errors import StudyError
from studies.domain.wanted import wanted_places
from studies.enums import StudyStatus, in_sentence
from studies.files.errors import StudyFileError
from studies.files.nodes import read_bytes
from studies.files.reader import problem_of
from studies.files.rows import SUFFIXES, Rows, read_rows
from studies.files.schema import Entry, Text
from studies.models import Study

MAX_BYTES = 200 * 2**20
UNKNOWN = {"unknown": True}
"""Provenance of a completion that came without one."""
_SHOWN = 5
_BATCH = 500
_NUMBERS = {"replicate", "token_count", "prompt_tokens"}
Place = tuple[str, str, int]


class CompletionEntry(Entry):
    """One line: which completion it is, its text, and what is known of how it came about."""

    prompt: str
    arm: str
    replicate: Annotated[int, Field(ge=0)] = 0
    text: Text
    finish_reason: Literal["stop", "length"] = "stop"
    token_ids: list[int] = Field(default_factory=list)
    token_count: Annotated[int, Field(ge=0)] | None = None
    prompt_tokens: Annotated[int, Field(ge=0)] = 0
    forward_flops: Annotated[float, Field(ge=0)] = 0.0
    seconds: Annotated[float, Field(ge=0)] = 0.0
    finished_at: Annotated[datetime, Field(strict=False)] | None = None
    provenance: dict[str, Any] = Field(default_factory=lambda: dict(UNKNOWN))

    @property
    def place(self) -> Place:
        """Return which completion of the study it is."""
        return self.prompt, self.arm, self.replicate


_COLUMNS = set(CompletionEntry.model_fields) - {"token_ids", "provenance"}


class CompletionsError(StudyFileError):
    """A file of completions that cannot be taken: every line to mend, the first few in its message."""

    def __init__(self, wrong: list[tuple[int, str]], *, name: str) -> None:
        self.wrong = wrong
        told = "; ".join(
            gettext("line %(line)s: %(problem)s") % {"line": line, "problem": problem}
            for line, problem in wrong[:_SHOWN]
        )
        more = (
            gettext("; and %(value)s more lines") % {"value": len(wrong) - _SHOWN}
            if len(wrong) > _SHOWN
            else ""
        )
        super().__init__(
            gettext("%(told)s%(more)s. Nothing was imported.") % {"told": told, "more": more}, name=name
        )


def import_completions(study: Study, path: Path, *, actor: str, arm: str = "") -> int:
    """Store the completions of a JSON Lines or CSV file; return how many.

    The study is a draft, or generating. Each row names a prompt and an arm of it that have no
    completion yet; where all are of one ``arm``, rows need not name it.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise StudyFileError(gettext("the file is neither .jsonl nor .csv"), name=path.name)
    data = read_bytes(path, most=MAX_BYTES)
    broken: list[tuple[int, str]] = []
    rows = read_rows(data, name=path.name, columns=_COLUMNS, most=MAX_BYTES, wrong=broken)
    if not rows and not broken:
        raise StudyFileError(gettext("the file holds no completion"), name=path.name, line=1)
    with transaction.atomic():
        study = Study.objects.select_for_update().get(pk=study.pk)
        if study.status not in (StudyStatus.DRAFT, StudyStatus.GENERATING):
            raise StudyError(
                gettext("“%(study)s” is %(status)s; completions are taken before that.")
                % {"study": study.slug, "status": in_sentence(study.get_status_display())}
            )
        entries, wrong = _checked(study, rows, name=path.name, arm=arm)
        if broken or wrong:
            raise CompletionsError(sorted(broken + wrong), name=path.name)
        _store(study, entries)
        record_event(
            actor=actor,
            action="completions.imported",
            study=study,
            after={"file": path.name, "sha256": hashlib.sha256(data).hexdigest(), "count": len(entries)},
        )
    return len(entries)


def _checked(
    study: Study, rows: Rows, *, name: str, arm: str
) -> tuple[list[CompletionEntry], list[tuple[int, str]]]:
    """Return the rows as entries, and the lines to mend, each with its reason."""
    told = {"arm": arm} if arm else {}
    entries: list[CompletionEntry] = []
    wrong: list[tuple[int, str]] = []
    wanted = places(study)
    seen: dict[Place, int] = {}
    for line, row in rows:
        try:
            said = _typed(row) if name.lower().endswith(".csv") else row
            entry = CompletionEntry.model_validate(told | said)
        except ValidationError as error:
            detail = error.errors(include_url=False)[0]
            wrong.append((line, f"{'.'.join(map(str, detail['loc']))} {problem_of(detail)}"))
            continue
        problem = _foreign(entry, arm) or _misplaced(entry.place, wanted, seen)
        if problem:
            wrong.append((line, problem))
        seen.setdefault(entry.place, line)
        entries.append(entry)
    return entries, wrong


def _typed(row: dict[str, Any]) -> dict[str, Any]:
    """Read the numbers of a CSV row; what is none is left for the check to name."""
    return {
        key: int(value) if key in _NUMBERS and value.isascii() and value.isdigit() else value
        for key, value in row.items()
    }


def places(study: Study, *, coming: bool = True) -> dict[Place, bool]:
    """Return every completion of the plan, and whether it is there; if ``coming``, or on its way already."""
    found = Completion.objects.filter(batch_key=study.key)
    if coming:
        found = found.exclude(status=Completion.Status.FAILED)
    else:
        found = found.filter(status=Completion.Status.DONE)
    taken = set(found.values_list("prompt_key", "arm_key", "replicate"))
    return {
        (prompt.name, arm.name, replicate): (prompt.key, arm.key, replicate) in taken
        for prompt, arm, replicate in wanted_places(study)
    }


def _foreign(entry: CompletionEntry, arm: str) -> str:
    if not arm or entry.arm == arm:
        return ""
    return gettext("is of the arm “%(arm)s”, but the file was sent as that of “%(arm2)s”") % {
        "arm": entry.arm,
        "arm2": arm,
    }


def _misplaced(place: Place, wanted: dict[Place, bool], seen: dict[Place, int]) -> str:
    prompt, arm, replicate = place
    told = gettext("prompt “%(prompt)s”, arm “%(arm)s”, replicate %(replicate)s") % {
        "prompt": prompt,
        "arm": arm,
        "replicate": replicate,
    }
    if place not in wanted:
        return gettext("the study has no %(told)s") % {"told": told}
    if place in seen:
        return gettext("%(told)s is on line %(value)s already") % {"told": told, "value": seen[place]}
    return gettext("%(told)s has a completion already") % {"told": told} if wanted[place] else ""


def _store(study: Study, entries: list[CompletionEntry]) -> None:
    prompts = {prompt.key: prompt.name for prompt in study.prompts.all()}
    arms = {arm.key: arm.name for arm in study.arms.all()}
    items = {
        (prompts[item.prompt_key], arms[item.arm_key], item.replicate): item
        for item in lifecycle.completion_requests(study)
    }
    failed = Completion.objects.filter(batch_key=study.key, status=Completion.Status.FAILED)
    for entry in entries:
        item = items[entry.place]
        failed.filter(prompt_key=item.prompt_key, arm_key=item.arm_key, replicate=item.replicate).delete()
    Completion.objects.bulk_create(
        (_completion(study, items[entry.place], entry) for entry in entries), batch_size=_BATCH
    )


def _completion(study: Study, item: requests.Wanted, entry: CompletionEntry) -> Completion:
    count = len(entry.token_ids) if entry.token_count is None else entry.token_count
    return Completion(
        batch_key=study.key,
        prompt_key=item.prompt_key,
        arm_key=item.arm_key,
        replicate=item.replicate,
        checkpoint=item.checkpoint,
        request=item.request.as_dict(),
        status=Completion.Status.DONE,
        text=entry.text,
        token_ids=entry.token_ids,
        token_count=count,
        tokens_so_far=count,
        prompt_tokens=entry.prompt_tokens,
        finish_reason=entry.finish_reason,
        forward_flops=entry.forward_flops,
        seconds=entry.seconds,
        provenance=entry.provenance,
        finished_at=entry.finished_at or timezone.now(),
    )
