"""What a study file must say as a whole, beyond the form of each value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from generation.spec import Negative, SpecError
from studies.domain.audit import canonical
from studies.domain.designs import pairs_per_prompt
from studies.enums import Family, Scale, TextFormat
from studies.files.endpoints import endpoint_problems
from studies.files.errors import Path
from studies.files.schema import ArmEntry, PromptEntry, StudyEntry, SurveyEntry

Problem = tuple[Path, str]
_WIDEST_SCALE = 10


def problems(entry: StudyEntry) -> Iterator[Problem]:
    """Yield each broken rule with the path of the value to change."""
    yield from _exactly_one_primary(entry)
    yield from _once("criteria", [criterion.name for criterion in entry.criteria], "name")
    yield from _once("arms", [arm.name for arm in entry.arms], "name")
    yield from _once("prompts", [prompt.id for prompt in entry.prompts], "id")
    yield from _answerable(entry)
    yield from _once("survey", [question.name for question in entry.survey], "name")
    for index, question in enumerate(entry.survey):
        yield from ((("survey", index, *path), problem) for path, problem in _survey_question(question))
    yield from endpoint_problems(entry)
    yield from _specs(entry)
    yield from ((("analysis", *path), problem) for path, problem in _analysable(entry))
    yield from _enough_for_checks(entry)
    yield from _page(entry)
    yield from _exactly_one_baseline(entry)
    yield from _each_prompt(entry)


def _exactly_one_primary(entry: StudyEntry) -> Iterator[Problem]:
    primary = [index for index, criterion in enumerate(entry.criteria) if criterion.primary]
    if not primary:
        yield ("criteria",), gettext("no criterion is primary; give exactly one of them “primary: true”")
    for index in primary[1:]:
        first = entry.criteria[primary[0]].name
        yield (
            ("criteria", index, "primary"),
            gettext("a second primary criterion; “%(first)s” is primary already and only one can be")
            % {"first": first},
        )


def _exactly_one_baseline(entry: StudyEntry) -> Iterator[Problem]:
    baseline = [index for index, arm in enumerate(entry.arms) if arm.baseline]
    if not baseline:
        yield ("arms",), gettext("no arm is the baseline; give exactly one of them “baseline: true”")
    for index in baseline[1:]:
        yield ("arms", index, "baseline"), gettext("a second baseline; only one arm can be")
    for index, arm in enumerate(entry.arms):
        if arm.baseline and arm.control:
            yield ("arms", index, "control"), gettext("the baseline cannot be its own control")


def _once(part: str, names: Sequence[str], field: str) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for index, name in enumerate(names):
        if name in seen:
            yield (
                (part, index, field),
                gettext("“%(name)s” is there already (%(part)s[%(value)s])")
                % {"name": name, "part": part, "value": seen[name]},
            )
        seen.setdefault(name, index)


def _specs(entry: StudyEntry) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for index, arm in enumerate(entry.arms):
        try:
            spec = canonical(arm.spec().as_dict())
        except SpecError as error:
            reason = str(error)
            field = reason.split(maxsplit=1)[0]
            path = ("arms", index, field) if field in ArmEntry.model_fields else ("arms", index)
            yield path, reason
            continue
        if spec in seen and not arm.control:
            yield (
                ("arms", index),
                gettext(
                    "decodes exactly as “%(value)s” does; change one of them, or declare an "
                    "A/A control with “control: true”"
                )
                % {"value": seen[spec]},
            )
        seen.setdefault(spec, arm.name)


def _answerable(entry: StudyEntry) -> Iterator[Problem]:
    for index, asked in enumerate(entry.comprehension):
        if asked.answer not in asked.options:
            yield (
                ("comprehension", index, "answer"),
                gettext("is not one of the options; write it as it stands there"),
            )
        if len(set(asked.options)) < len(asked.options):
            yield ("comprehension", index, "options"), gettext("an option is there twice")
    primary = next((criterion for criterion in entry.criteria if criterion.primary), None)
    for index, pair in enumerate(entry.practice):
        if primary and primary.scale == Scale.TWO_WAY and pair.better == "tie":
            yield ("practice", index, "better"), gettext("“%(name)s” offers no tie") % {"name": primary.name}


def _survey_question(question: SurveyEntry) -> Iterator[Problem]:
    of_options = question.kind in ("single", "multiple")
    if of_options != bool(question.options):
        needed = (
            gettext("needs options to choose from")
            if of_options
            else gettext("is for single and multiple only")
        )
        yield ("options",), needed
    if len(set(question.options)) < len(question.options):
        yield ("options",), gettext("an option is there twice")
    if question.kind == "scale" and (question.least is None or question.most is None):
        yield ("kind",), gettext("a scale needs “least” and “most”, say 1 and 7")
    if question.least is not None and question.most is not None:
        if question.least >= question.most:
            yield ("most",), gettext("must be above “least”")
        elif question.kind == "scale" and question.most - question.least > _WIDEST_SCALE:
            yield (
                ("most",),
                gettext("a scale has at most %(value)s points; use a number") % {"value": _WIDEST_SCALE + 1},
            )


def _analysable(entry: StudyEntry) -> Iterator[Problem]:
    plan, interim = entry.analysis, entry.analysis.interim
    if plan.multiplicity == "gatekeeping" and len(entry.criteria) == 1:
        yield ("multiplicity",), gettext("needs a second criterion, for which the first one opens the gate")
    if plan.subgroups == "stratum" and len({prompt.stratum for prompt in entry.prompts}) == 1:
        yield ("subgroups",), gettext("needs prompts of two strata or more; give them a “stratum”")
    if interim.method == "group_sequential" and interim.looks is None:
        yield ("interim",), gettext("needs “looks”: how many there are at most, the one at the end included")
    if interim.method != "group_sequential" and interim.looks is not None:
        yield ("interim", "looks"), gettext("are counted with group_sequential only")
    expected = plan.expected
    most = entry.quota * expected.annotators if expected else None
    planned = len(entry.prompts) * pairs_per_prompt(len(entry.arms), entry.comparisons) * entry.replicates
    if most is not None and most < planned * entry.overlap:
        yield (
            ("expected", "annotators"),
            gettext("can give %(most)s judgments with this quota, but %(value)s are planned")
            % {"most": most, "value": planned * entry.overlap},
        )


def _enough_for_checks(entry: StudyEntry) -> Iterator[Problem]:
    each = pairs_per_prompt(len(entry.arms), entry.comparisons)
    pairs = len(entry.prompts) * each * entry.replicates
    wanted = entry.checks.shuffled + entry.checks.mismatched + len(entry.checks.written)
    if wanted > pairs:
        yield (
            ("checks",),
            gettext("asks for %(wanted)s checks, but there are only %(pairs)s pairs to make them from")
            % {"wanted": wanted, "pairs": pairs},
        )
    for index, check in enumerate(entry.checks.written):
        if check.better.split() == check.worse.split():
            yield (
                ("checks", "written", index, "worse"),
                gettext("says the same as “better”, so no answer is right"),
            )
    failed = entry.quality.failed_checks
    if failed is not None and failed > wanted:
        yield (
            ("quality", "failed_checks"),
            gettext("can never be met: an annotator meets %(wanted)s checks") % {"wanted": wanted},
        )
    if entry.checks.mismatched and len(entry.prompts) == 1:
        yield ("checks", "mismatched"), gettext("needs a second prompt, to take the other response from")
    most = min(entry.quota, pairs) // 2
    if entry.repeats > most:
        yield (
            ("repeats",),
            gettext("repeats are at most half of what an annotator compares, here %(most)s") % {"most": most},
        )


def _page(entry: StudyEntry) -> Iterator[Problem]:
    if entry.differences and entry.text != TextFormat.PLAIN:
        yield ("differences",), gettext("marks the words of plain texts; with “text: markdown” leave it out")
    if len(set(entry.reasons.options)) < len(entry.reasons.options):
        yield ("reasons", "options"), gettext("an option is there twice")
    if entry.quality.self_agreement is not None and not entry.repeats:
        yield ("quality", "self_agreement"), gettext("needs “repeats”: it looks at what is compared twice")
    if entry.quality.others_agreement is not None and entry.overlap == 1:
        yield (
            ("quality", "others_agreement"),
            gettext("needs an “overlap” of 2 or more: nobody else judges the same"),
        )


def _each_prompt(entry: StudyEntry) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    negatives = {arm.negative for arm in entry.arms if arm.guidance_scale != 1}
    for index, prompt in enumerate(entry.prompts):
        here = ("prompts", index)
        yield from ((here + path, problem) for path, problem in _one_prompt(prompt, negatives))
        content = canonical([prompt.conversation(), prompt.text])
        if prompt.answer and not (entry.answer_marker.strip() and prompt.family == Family.CHAIN_OF_THOUGHT):
            yield (
                (*here, "answer"),
                gettext(
                    "is compared with what stands behind “answer_marker” in a chain of "
                    "thought: give the study "
                    "that key, say “Answer:”, and the prompt “family: chain_of_thought”"
                ),
            )
        if content in seen:
            yield (
                here,
                gettext("says the same as “%(value)s”; prompts must differ") % {"value": seen[content]},
            )
        seen.setdefault(content, prompt.id)


def _one_prompt(prompt: PromptEntry, negatives: set[str]) -> Iterator[Problem]:
    for broken, path, problem in _PROMPT_RULES:
        if broken(prompt, negatives):
            yield path, gettext(problem)
            return


def _ways(prompt: PromptEntry) -> int:
    return sum(bool(way) for way in (prompt.system or prompt.user, prompt.messages, prompt.text))


_PROMPT_RULES: tuple[tuple[Callable[[PromptEntry, set[str]], bool], Path, str], ...] = (
    (
        lambda prompt, _: _ways(prompt) == 0,
        (),
        _("the prompt is missing: give “user” (and “system”), “messages”, or a plain “text”"),
    ),
    (
        lambda prompt, _: _ways(prompt) > 1,
        (),
        _("give one of: “user” (and “system”), “messages”, or “text”"),
    ),
    (
        lambda prompt, _: bool(prompt.system) and not prompt.user,
        ("user",),
        _("there is a system instruction but no user message"),
    ),
    (
        lambda prompt, _: bool(prompt.messages) and prompt.messages[-1].role != "user",
        ("messages",),
        _("the last message must be the user's, since the arms answer it"),
    ),
    (
        lambda prompt, _: any(message.role == "system" for message in prompt.messages[1:]),
        ("messages",),
        _("only the first message can be the system instruction"),
    ),
    (
        lambda prompt, negatives: not prompt.text and Negative.LAST_TOKEN in negatives,
        (),
        _(
            "an arm's negative is last_token, which in a conversation is only the header of the answer; "
            "use default_system or text, or plain prompts"
        ),
    ),
    (
        lambda prompt, negatives: bool(prompt.text) and Negative.DEFAULT_SYSTEM in negatives,
        ("text",),
        _(
            "an arm's negative is default_system, but a plain prompt has no system instruction; "
            "use last_token or text"
        ),
    ),
)
