"""Who came, who finished and who is to be paid: a recruiting site's list against the study's annotators."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from django.db.models import Count, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from studies.domain.errors import StudyError
from studies.enums import AnnotatorStatus
from studies.models import Annotator, Study

_MOST_BYTES = 5 * 2**20
_PERSON = ("participant id", "participant_id", "workerid")
_STATUS = ("status", "assignmentstatus")
_CODE = ("completion code", "entered_code", "answer.surveycode")
_GONE = ("RETURNED", "TIMED-OUT", "TIMED OUT", "REJECTED")


class Verdict(Enum):
    """What is to be done about somebody; the value is what the page says."""

    PAY = _("Finished: pay")
    SCREENED = _("Screened out: pay as the site's rules say")
    UNFINISHED = _("Began and did not finish")
    TIMED_OUT = _("Finished here, but the site says timed out or returned: pay by hand")
    GONE = "Returned or timed out"
    WRONG_CODE = _("Says to be done, but did not finish here: look into it")
    NEVER_CAME = _("Never came here")
    UNLISTED = _("Came here, but is not on the list")


@dataclass(frozen=True, slots=True)
class Person:
    """One line of the comparison."""

    external_id: str
    pseudonym: str
    """Empty for somebody who never came."""
    status: str
    """As the recruiting site says it; empty for somebody who is not on its list."""
    answered: int
    verdict: Verdict


def reconcile(study: Study, data: bytes) -> list[Person]:
    """Compare a recruiting site's CSV with the annotators of ``study``; nothing is stored."""
    counted = study.annotators.exclude(external_id="").annotate(
        answered=Count("assignments", filter=Q(assignments__submitted_at__isnull=False))
    )
    here = {annotator.external_id: annotator for annotator in counted}
    people = [_person(study, here.pop(row[0], None), *row) for row in _rows(data)]
    people += [_person(study, annotator, key, "", "") for key, annotator in here.items()]
    order = list(Verdict)
    return sorted(people, key=lambda person: (order.index(person.verdict), person.external_id))


def _rows(data: bytes) -> Iterator[tuple[str, str, str]]:
    """Yield id, status and code of each line, by the headings that recruiting sites use."""
    if len(data) > _MOST_BYTES:
        message = gettext("The file is larger than %(value)s MB, so it is no such list.") % {
            "value": _MOST_BYTES // 2**20
        }
        raise StudyError(message)
    try:
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig")))
        heads = {head.strip().lower(): head for head in reader.fieldnames or []}
        person, status, code = (
            next((heads[n] for n in names if n in heads), "") for names in (_PERSON, _STATUS, _CODE)
        )
        if not person or not status:
            message = gettext(
                "The file has no columns “Participant id” and “Status”. Export the submissions as CSV."
            )
            raise StudyError(message)
        seen = {}
        for row in reader:
            # Who tried twice is listed twice; the later line counts.
            seen[(row[person] or "").strip()] = ((row[status] or "").strip(), (row.get(code) or "").strip())
    except (UnicodeDecodeError, csv.Error) as error:
        message = gettext("The file is not a CSV in UTF-8.")
        raise StudyError(message) from error
    for key, (said, given) in seen.items():
        if key:
            yield key, said, given


def _person(study: Study, annotator: Annotator | None, key: str, status: str, code: str) -> Person:
    answered = getattr(annotator, "answered", 0)
    pseudonym = annotator.pseudonym if annotator else ""
    return Person(key, pseudonym, status, answered, _verdict(study, annotator, status, code))


def _verdict(study: Study, annotator: Annotator | None, status: str, code: str) -> Verdict:
    gone = status.upper() in _GONE
    if annotator is None:
        return Verdict.GONE if gone else Verdict.NEVER_CAME
    finished = annotator.status == AnnotatorStatus.FINISHED
    rules = (
        (finished and gone, Verdict.TIMED_OUT),
        (gone, Verdict.GONE),
        (not status, Verdict.UNLISTED),
        (finished, Verdict.PAY),
        (annotator.status == AnnotatorStatus.SCREENED, Verdict.SCREENED),
        (bool(code) and code in (annotator.code, study.recruiting.get("done")), Verdict.WRONG_CODE),
    )
    return next((verdict for holds, verdict in rules if holds), Verdict.UNFINISHED)
