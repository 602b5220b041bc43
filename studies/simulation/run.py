"""Simulated annotators take part in a study, page by page, until they have had enough."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from django.utils import timezone

from studies.domain.assignment import open_row, release
from studies.domain.audit import record_event
from studies.domain.errors import StudyError
from studies.enums import Frame, Kind, Slot, StudyStatus
from studies.models import Annotator, Assignment, Study
from studies.simulation.behaviour import Crowd, Mind
from studies.simulation.browser import Browser, Form, Page

CHOICE = "choice-"
_STEPS = 10


@dataclass(frozen=True, slots=True)
class Session:
    """What one simulated annotator does."""

    study: Study
    mind: Mind
    url: str
    external_id: str
    comparisons: int


def simulate(
    *,
    study: Study,
    crowd: Crowd,
    url: str,
    annotators: int,
    comparisons: int,
    done: Callable[[], None] = lambda: None,
) -> int:
    """Let ``annotators`` judge up to ``comparisons`` each at the site at ``url``; return the judgments made.

    ``done`` is called after every judged comparison.
    """
    _check(study)
    Browser().get(f"{url}/s/{study.invite}/")  # a site that does not answer must not leave a mark
    _mark(study, crowd, annotators=annotators, comparisons=comparisons)
    batch = secrets.token_hex(4)
    before = _submitted(study)
    for number in range(annotators):
        session = Session(study, Mind(crowd, number), url, f"simulated-{batch}-{number}", comparisons)
        _take_part(session, done)
        _leave(study, session.external_id)
    return _submitted(study) - before


def _check(study: Study) -> None:
    if study.status != StudyStatus.OPEN:
        raise StudyError(f"“{study.slug}” is {study.get_status_display().lower()}; open it first.")
    if Annotator.objects.filter(study=study, simulated=False, assignments__isnull=False).exists():
        raise StudyError(
            f"“{study.slug}” has judgments by people. Simulated ones would spoil them; "
            "import the study file under another name and simulate that."
        )


def _mark(study: Study, crowd: Crowd, *, annotators: int, comparisons: int) -> None:
    """Mark the study as simulated for good, before the first answer."""
    Study.objects.filter(pk=study.pk).update(simulated=True)
    study.simulated = True
    record_event(
        actor="simulation",
        action="study.simulated",
        study=study,
        after={"crowd": crowd.as_dict(), "annotators": annotators, "comparisons": comparisons},
    )


def _submitted(study: Study) -> int:
    return study.assignments.filter(submitted_at__isnull=False).count()


def _take_part(session: Session, done: Callable[[], None]) -> None:
    browser = Browser()
    page = browser.get(f"{session.url}/s/{session.study.invite}/?external_id={session.external_id}")
    steps, left = 0, session.comparisons
    while left and steps < session.comparisons * 2 + _STEPS:
        steps += 1
        if answers := _answerable(page):
            page = browser.submit(page, answers, _answers(session, answers))
            left -= 1
            done()
        elif step := _next_step(page):
            page = browser.submit(page, step, step.boxes)
        elif _let_in(session):
            page = browser.get(f"{session.url}/s/{session.study.invite}/")
        else:
            return


def _let_in(session: Session) -> bool:
    """Take a program past practice and comprehension check, which are for readers. False when it is past."""
    study = session.study
    waiting = study.annotators.filter(external_id=session.external_id, understood_at=None)
    return bool(waiting.update(practised=len(study.practice), understood_at=timezone.now()))


def _leave(study: Study, external_id: str) -> None:
    """Mark the annotator, and give the comparison on their screen back at once, not when its lease ends."""
    for annotator in study.annotators.filter(external_id=external_id):
        Annotator.objects.filter(pk=annotator.pk).update(simulated=True)
        if held := open_row(annotator):
            release(held)


def _answerable(page: Page) -> Form | None:
    return next((form for form in page.forms if any(name.startswith(CHOICE) for name in form.radios)), None)


def _next_step(page: Page) -> Form | None:
    """Return the form that leads on: consent, instructions or a pause; none on the last page."""
    back = ("/undo/", "/skip/")
    return next((form for form in page.forms if not form.action.endswith(back) and not form.radios), None)


def _answers(session: Session, form: Form) -> dict[str, str]:
    assignment = Assignment.objects.select_related("comparison").get(key=form.values["assignment"])
    comparison, slot = assignment.comparison, Slot(assignment.candidate_slot)
    prompt = comparison.prompt_id
    intact = slot if comparison.replaced == Frame.BASELINE else slot.other
    values = {
        name: session.mind.recognise(
            criterion=name.removeprefix(CHOICE), check=comparison.pk, intact=intact, offered=offered
        )
        if comparison.kind == Kind.CHECK
        else session.mind.choose(
            criterion=name.removeprefix(CHOICE),
            prompt=prompt,
            candidate_slot=slot,
            offered=offered,
            meeting=2 if comparison.kind == Kind.REPEAT else 1,
        )
        for name, offered in form.radios.items()
        if name.startswith(CHOICE)
    }
    if session.study.reasons.get("required"):
        values["reason"] = "Chosen by a program."
    return values | {"active_ms": str(session.mind.reading_ms(prompt))}
