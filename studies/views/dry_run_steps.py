"""The steps of a dry run: what each shows, and where what is sent leads. The address holds all there is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from generation.models import Completion
from studies.analysis.answers import parsed_answer
from studies.domain.assignment import Progress
from studies.domain.criteria import criteria_of
from studies.domain.own_rows import most_own_rows
from studies.domain.participation import ATTEMPTS
from studies.domain.unblinding import Response
from studies.enums import Family, Slot
from studies.forms.annotate import ConsentForm, JudgmentForm, ReportForm
from studies.forms.steps import ComprehensionForm, SurveyForm
from studies.models import Prompt, Study, new_key
from studies.views.annotate_compare import PAUSE_EVERY
from studies.views.annotate_page import is_long, turns
from studies.views.annotate_parts import parts
from studies.views.annotate_steps import TRY_AGAIN, practice_context
from studies.views.differences import panes

_CODE = "EXAMPLE"
_PLACEHOLDERS = (
    _("This stands where the first response will be, once there is one."),
    _(
        "This stands where the second response will be. It is a little longer than the first one, as "
        "responses often are, so that you see how two texts of different lengths look beside each other."
    ),
)


@dataclass(frozen=True, slots=True)
class Page:
    """A page to show: its template's name, and what is wrong with what was sent."""

    name: str
    context: dict[str, Any]
    wrong: str = ""
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Onward:
    """The step that comes next, with what its address remembers."""

    step: str
    state: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Walk:
    """Somebody on a dry run, at a step."""

    request: HttpRequest
    study: Study
    step: str

    def number(self, name: str, *, most: int, least: int = 0) -> int:
        """Return a number that the address remembers."""
        given = self.request.GET.get(name, "")
        return min(max(int(given[:6]) if given.isdecimal() else least, least), most)

    @property
    def comparisons(self) -> int:
        """How many there are: as many as a quota holds."""
        return min(self.study.quota, self.study.prompts.count())

    @property
    def prompt(self) -> int:
        """Which comparison it is, from 1."""
        return self.number("prompt", least=1, most=self.comparisons)

    @property
    def pair(self) -> int:
        """Which practice pair it is, from 0."""
        return self.number("pair", most=max(len(self.study.practice) - 1, 0))

    @property
    def attempt(self) -> int:
        """Which attempt at the comprehension questions it is, from 0."""
        return self.number("attempt", most=ATTEMPTS - 1)

    @property
    def rested(self) -> int:
        """Before which comparison there was a pause already."""
        return self.number("rested", most=self.comparisons)

    @property
    def state(self) -> dict[str, Any]:
        """What the addresses of a page remember."""
        return {"prompt": self.prompt, "pair": self.pair, "attempt": self.attempt, "rested": self.rested}


def steps(study: Study) -> list[tuple[str, str | Promise]]:
    """Return the steps that this study has, with their names."""
    there = (
        ("consent", _("Consent"), True),
        ("instructions", _("Instructions"), True),
        ("practice", _("Practice"), bool(study.practice)),
        ("comprehension", _("Questions"), bool(study.comprehension)),
        ("compare", _("Comparisons"), True),
        ("pause", _("Rest"), min(study.quota, study.prompts.count()) > PAUSE_EVERY),
        ("survey", _("Survey"), bool(study.survey)),
        ("thanks", _("End"), True),
    )
    return [(name, label) for name, label, stands in there if stands]


def _after(walk: Walk, step: str) -> Onward:
    names = [name for name, _label in steps(walk.study) if name != "pause"]
    return Onward(names[names.index(step) + 1])


# ------------------------------------------------------------------ what each step shows


def _consent(walk: Walk, form: ConsentForm | None = None) -> Page:
    study = walk.study
    offer = {"text": study.consent, "minutes": study.minutes, "quota": study.quota + most_own_rows(study)}
    return Page("consent", {"form": form or ConsentForm(), **offer}, wrong=_first(form))


def _instructions(walk: Walk) -> Page:
    back = walk.request.GET.get("back", "")
    study = walk.study
    return Page(
        "instructions",
        {
            "prepared": bool(study.practice or study.comprehension),
            "text": study.instructions,
            "back": back if back in ("compare", "practice", "comprehension") else "",
        },
    )


def _practice(walk: Walk) -> Page | Onward:
    if not walk.study.practice:
        return Onward("compare")
    return Page("practice", practice_context(walk.study, number=walk.pair, given=walk.request.GET))


def _comprehension(walk: Walk, form: ComprehensionForm | None = None) -> Page:
    asked = (form or ComprehensionForm(questions=walk.study.comprehension)).asked()
    context = {"questions": asked, "attempt": walk.attempt, "left": ATTEMPTS - walk.attempt}
    return Page("comprehension", context, wrong=_first(form))


def _compare(walk: Walk, form: JudgmentForm | None = None, report: ReportForm | None = None) -> Page:
    study, number = walk.study, walk.prompt
    if not form and not report and number != walk.rested and number > 1 and number % PAUSE_EVERY == 1:
        return _pause(walk)
    prompt = study.prompts.all()[number - 1]
    shown = turns(prompt.turns, plain=bool(prompt.text))
    context = {
        "progress": _progress(walk),
        "assignment": str(new_key()),
        "key": str(new_key()),
        "responses": panes(_responses(study, prompt), marked=study.differences),
        "markdown": study.markdown,
        "differences": study.differences,
        "turns": shown,
        "long": is_long(shown),
        "parts": parts(study, form, report),
        "error": form.first_error() if form else "",
        "min_exposure_ms": study.min_exposure_ms,
        "undo": str(new_key()) if number > 1 else "",
    }
    reason = "reason" if form and "reason" in form.errors else None
    return Page("compare", context, wrong=_first(form) or _first(report), field=reason)


def _pause(walk: Walk) -> Page:
    return Page("pause", {"progress": _progress(walk)})


def _survey(walk: Walk, form: SurveyForm | None = None) -> Page:
    questions = (form or SurveyForm(questions=walk.study.survey)).asked()
    return Page("survey", {"questions": questions, "undo": str(new_key())}, wrong=_first(form))


def _ending(name: str, code: str) -> Callable[[Walk], Page]:
    """Return a last page; the way back to the recruiting site, where a code counts, is left out."""

    def page(walk: Walk) -> Page:
        given = walk.study.recruiting.get(code, "") or (_CODE if code == "done" else "")
        undo = str(new_key()) if code == "done" else ""
        return Page(name, {"code": given, "link": "", "done": walk.comparisons, "undo": undo})

    return page


def _progress(walk: Walk) -> Progress:
    return Progress(done=walk.prompt - 1, total=walk.comparisons, last_key="")


def _responses(study: Study, prompt: Prompt) -> list[Response]:
    """Return two completions of the prompt, in an order that tells no arm, or texts in their place."""
    found = Completion.objects.filter(
        batch_key=study.key, prompt_key=prompt.key, replicate=0, status=Completion.Status.DONE
    )
    written = list(found.order_by("arm_key").values_list("text", flat=True)[:2])
    texts = [*written, *map(str, _PLACEHOLDERS[len(written) :])]
    thought = prompt.family == Family.CHAIN_OF_THOUGHT
    return [
        Response(slot, text, parsed_answer(text, study.answer_marker) if thought else "")
        for slot, text in zip((Slot.A, Slot.B), texts, strict=True)
    ]


def _first(form: Any) -> str:
    """Return one line that says what is wrong with what was sent."""
    return next((str(errors[0]) for errors in form.errors.values()), "") if form else ""


PAGES: dict[str, Callable[[Walk], Page | Onward]] = {
    "consent": _consent,
    "declined": _ending("declined", "no_consent"),
    "instructions": _instructions,
    "practice": _practice,
    "comprehension": _comprehension,
    "screened": _ending("screened", "screened_out"),
    "compare": _compare,
    "pause": _pause,
    "survey": _survey,
    "thanks": _ending("thanks", "done"),
}


# ------------------------------------------------------------------ where what is sent leads


def taken(walk: Walk) -> Page | Onward:
    """Check what was sent to a step as an annotator's would be, and lead on; nothing is kept."""
    take = _TAKERS.get(walk.step)
    return take(walk) if take else Onward("consent")


def _take_consent(walk: Walk) -> Page | Onward:
    if "decline" in walk.request.POST:
        return Onward("declined")
    form = ConsentForm(walk.request.POST)
    return Onward("instructions") if form.is_valid() else _consent(walk, form)


def _take_practice(walk: Walk) -> Onward:
    if walk.pair + 1 < len(walk.study.practice):
        return Onward("practice", {"pair": walk.pair + 1})
    return _after(walk, "practice")


def _take_comprehension(walk: Walk) -> Page | Onward:
    form = ComprehensionForm(walk.request.POST, questions=walk.study.comprehension)
    if not form.is_valid():
        return _comprehension(walk, form)
    if form.answers() == [question["answer"] for question in walk.study.comprehension]:
        return Onward("compare")
    if walk.attempt + 1 >= ATTEMPTS:
        return Onward("screened")
    messages.info(walk.request, TRY_AGAIN)
    return Onward("comprehension", {"attempt": walk.attempt + 1})


def _take_answer(walk: Walk) -> Page | Onward:
    form = JudgmentForm(walk.request.POST, criteria=criteria_of(walk.study), reasons=walk.study.reasons)
    return _next(walk) if form.is_valid() else _compare(walk, form)


def _next(walk: Walk) -> Onward:
    if walk.prompt < walk.comparisons:
        return Onward("compare", {"prompt": walk.prompt + 1})
    return _after(walk, "compare")


def _take_back(walk: Walk) -> Onward:
    messages.info(walk.request, _("Your last answer is taken back. Choose again."))
    from_the_end = walk.request.GET.get("back") in ("survey", "thanks")
    number = walk.comparisons if from_the_end else max(walk.prompt - 1, 1)
    return Onward("compare", {"prompt": number, "rested": number})


def _give_back(walk: Walk) -> Page | Onward:
    form = ReportForm(walk.request.POST)
    if not form.is_valid():
        return _compare(walk, report=form)
    messages.info(walk.request, _("Thank you for the report. You will not see that comparison again."))
    return _next(walk)


def _take_survey(walk: Walk) -> Page | Onward:
    form = SurveyForm(walk.request.POST, questions=walk.study.survey)
    return Onward("thanks") if form.is_valid() else _survey(walk, form)


_TAKERS: dict[str, Callable[[Walk], Page | Onward]] = {
    "consent": _take_consent,
    "instructions": lambda walk: _after(walk, "instructions"),
    "practice": _take_practice,
    "comprehension": _take_comprehension,
    "compare": _take_answer,
    "undo": _take_back,
    "skip": _give_back,
    "resume": lambda walk: Onward("compare", {"prompt": walk.prompt, "rested": walk.prompt}),
    "survey": _take_survey,
}
