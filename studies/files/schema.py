"""What a study file may say. Defaults here are the product's defaults."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.utils.translation import gettext
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue

from generation.endpoint.address import KEY_ENV, Endpoint, check_extra, check_key_env, normal_url
from generation.spec import DTYPES, DecodingSpec, Negative
from studies.enums import Design, Draws, Family, Scale, TextFormat, TieRule

_SLUG = r"^[a-z0-9]+(?:-[a-z0-9]+)*$"
_NAME = r"^[\w][\w .:+-]*$"


def _storable(text: str) -> str:
    if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError(gettext("holds a character that no database stores (NUL or half a surrogate pair)"))
    return text


def _said(text: str) -> str:
    if not text.strip():
        raise ValueError(gettext("must not be empty"))
    return _storable(text)


Text = Annotated[str, AfterValidator(_storable), Field(max_length=200_000)]
Said = Annotated[str, AfterValidator(_said), Field(max_length=200_000)]
Line = Annotated[str, AfterValidator(_said), Field(max_length=200)]
Slug = Annotated[str, Field(pattern=_SLUG, max_length=40)]
Few = Annotated[int, Field(ge=0, le=20)]
Count = Annotated[int, Field(ge=1, le=1_000)]


class Entry(BaseModel):
    """What all parts share: unknown keys are errors, and nothing is converted behind one's back."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class CriterionEntry(Entry):
    """A question."""

    name: Slug
    question: Annotated[str, AfterValidator(_said), Field(max_length=300)]
    scale: Literal[tuple(Scale.values)] = Scale.TIE.value  # type: ignore[valid-type]
    primary: bool = False


class WrittenCheckEntry(Entry):
    """An attention check whose texts the researcher wrote."""

    prompt: Said
    better: Said
    worse: Said


class ChecksEntry(Entry):
    """The attention checks every annotator meets: how many of each making, and those written."""

    shuffled: Few = 0
    mismatched: Few = 0
    written: Annotated[list[WrittenCheckEntry], Field(max_length=20)] = Field(default_factory=list)


class ReasonsEntry(Entry):
    """Reasons that annotators can tick, and whether they have to give one."""

    options: Annotated[list[Line], Field(max_length=12)] = Field(default_factory=list)
    required: bool = False


class PracticeEntry(Entry):
    """A pair to practise with: written by the researcher, so its answer is known."""

    prompt: Said
    a: Said
    b: Said
    better: Literal["A", "tie", "B"]
    feedback: Said


class ComprehensionEntry(Entry):
    """A question about the instructions."""

    question: Line
    options: Annotated[list[Line], Field(min_length=2, max_length=10)]
    answer: Line


class SurveyEntry(Entry):
    """A question after the comparisons."""

    name: Slug
    question: Line
    kind: Literal["single", "multiple", "scale", "number", "text"]
    options: Annotated[list[Line], Field(max_length=30)] = Field(default_factory=list)
    least: Annotated[int, Field(ge=-(10**9), le=10**9)] | None = None
    most: Annotated[int, Field(ge=-(10**9), le=10**9)] | None = None
    least_label: Annotated[str, AfterValidator(_storable), Field(max_length=60)] = ""
    most_label: Annotated[str, AfterValidator(_storable), Field(max_length=60)] = ""
    required: bool = True


Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]*$", max_length=40)]


class RecruitingEntry(Entry):
    """What a recruiting site such as Prolific gives out: completion codes and the link back."""

    done: Code
    screened_out: Code = ""
    no_consent: Code = ""
    return_link: (
        Annotated[str, Field(pattern=r"^https://[^\s{}]+\{code\}[^\s{}]*$", max_length=300)] | None
    ) = None


class QualityEntry(Entry):
    """Rules fixed before opening: from which threshold on an annotator is left out of the analysis."""

    failed_checks: Annotated[int, Field(ge=1, le=40)] | None = None
    median_active_ms: Annotated[int, Field(ge=1, le=600_000)] | None = None
    same_answer_share: Annotated[float, Field(gt=0.5, le=1)] | None = None
    self_agreement: Annotated[float, Field(gt=0, le=1)] | None = None
    others_agreement: Annotated[float, Field(gt=0, le=1)] | None = None


class InterimEntry(Entry):
    """Whether, and by which rule, a study may be looked at before it ends."""

    method: Literal["none", "group_sequential", "anytime_valid"] = "none"
    looks: Annotated[int, Field(ge=2, le=20)] | None = None
    spending: Literal["obrien_fleming", "pocock"] = "obrien_fleming"


class ExpectedEntry(Entry):
    """What the plan reckoned with: the power of the design rests on it."""

    win_rate: Annotated[float, Field(gt=0, lt=1)]
    annotators: Count
    tie_rate: Annotated[float, Field(ge=0, lt=1)] = 0.0
    rho_annotators: Annotated[float, Field(ge=0, lt=1)] = 0.0
    rho_prompts: Annotated[float, Field(ge=0, lt=1)] = 0.0


class AnalysisEntry(Entry):
    """How the judgments will be analysed, fixed before there are any."""

    alpha: Annotated[float, Field(gt=0, le=0.5)] = 0.05
    margin: Annotated[float, Field(gt=0, lt=0.5)] | None = None
    multiplicity: Literal["holm", "gatekeeping"] = "holm"
    subgroups: Literal["none", "stratum"] = "none"
    interim: InterimEntry = InterimEntry()
    expected: ExpectedEntry | None = None


class EndpointEntry(Entry):
    """A server with OpenAI's protocol that writes an arm's completions."""

    base_url: Annotated[Line, AfterValidator(normal_url)]
    model: Line
    key_env: Annotated[Line, AfterValidator(check_key_env)] = KEY_ENV
    requests_per_minute: Annotated[int, Field(ge=1, le=10_000)] = 60
    concurrency: Annotated[int, Field(ge=1, le=64)] = 4
    timeout_seconds: Annotated[int, Field(ge=1, le=1_800)] = 120
    length_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    seed: bool = True
    extra: Annotated[dict[str, JsonValue], AfterValidator(check_extra)] = Field(default_factory=dict)

    def endpoint(self) -> Endpoint:
        """Return it as workers read it."""
        return Endpoint(**self.model_dump())


class ArmEntry(Entry):
    """A way of generating text."""

    name: Annotated[str, Field(pattern=_NAME, max_length=60)]
    baseline: bool = False
    control: bool = False
    checkpoint: Line | None = None
    endpoint: EndpointEntry | None = None
    guidance_scale: float = 1.0
    negative: Literal[tuple(item.value for item in Negative)] = Negative.NONE.value  # type: ignore[valid-type]
    negative_text: Text = ""
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    max_new_tokens: int = 128
    plausibility: float = 0.0
    stop: Annotated[list[str], Field(max_length=8)] = Field(default_factory=list)
    guided_tokens: int = 0
    dtype: Literal[DTYPES] = ""  # type: ignore[valid-type]

    def spec(self) -> DecodingSpec:
        """Return the decoding spec; raises `generation.spec.SpecError` with a reason."""
        data: dict[str, Any] = self.model_dump(exclude={"name", "baseline", "control", "endpoint"})
        if self.endpoint:
            data["checkpoint"] = self.endpoint.endpoint().name
        return DecodingSpec.from_dict(data)


class MessageEntry(Entry):
    """One turn."""

    role: Literal["system", "user", "assistant"]
    content: Said


class PromptEntry(Entry):
    """What both arms answer: ``system`` and ``user``, or ``messages``, or a plain ``text``."""

    id: Annotated[str, Field(pattern=_NAME, max_length=80)]
    family: Literal[tuple(Family.values)] = Family.CHAT.value  # type: ignore[valid-type]
    stratum: Annotated[str, AfterValidator(_storable), Field(max_length=60)] = ""
    source: Annotated[str, AfterValidator(_storable), Field(max_length=200)] = ""
    answer: Annotated[str, AfterValidator(_storable), Field(max_length=200)] = ""
    system: Text = ""
    user: Text = ""
    messages: list[MessageEntry] = Field(default_factory=list)
    text: Text = ""

    def conversation(self) -> list[dict[str, str]]:
        """Return the turns; empty for a plain text."""
        if self.messages:
            return [message.model_dump() for message in self.messages]
        pairs = (("system", self.system), ("user", self.user))
        return [{"role": role, "content": content} for role, content in pairs if content]


class StudyEntry(Entry):
    """A whole study file."""

    evenhand: Literal[1]
    study: Annotated[str, Field(pattern=_SLUG, max_length=60)]
    title: Line
    description: Text = ""
    instructions: Said
    consent: Said
    minutes: Count | None = None
    seed: Annotated[int, Field(ge=0, lt=2**53)] | None = None
    overlap: Count = 2
    quota: Annotated[int, Field(ge=1, le=100_000)] = 20
    checks: ChecksEntry = ChecksEntry()
    repeats: Few = 0
    practice: Annotated[list[PracticeEntry], Field(max_length=10)] = Field(default_factory=list)
    comprehension: Annotated[list[ComprehensionEntry], Field(max_length=10)] = Field(default_factory=list)
    survey: Annotated[list[SurveyEntry], Field(max_length=50)] = Field(default_factory=list)
    differences: bool = False
    reasons: ReasonsEntry = ReasonsEntry()
    recruiting: RecruitingEntry | None = None
    quality: QualityEntry = QualityEntry()
    analysis: AnalysisEntry = AnalysisEntry()
    ties: Literal[tuple(TieRule.values)] = TieRule.HALF.value  # type: ignore[valid-type]
    draws: Literal[tuple(Draws.values)] = Draws.INDEPENDENT.value  # type: ignore[valid-type]
    comparisons: Literal[tuple(Design.values)] = Design.BASELINE.value  # type: ignore[valid-type]
    replicates: Annotated[int, Field(ge=1, le=100)] = 1
    answer_marker: Annotated[str, AfterValidator(_storable), Field(max_length=40)] = ""
    text: Literal[tuple(TextFormat.values)] = TextFormat.PLAIN.value  # type: ignore[valid-type]
    lease_minutes: Annotated[int, Field(ge=1, le=10_080)] = 30
    min_exposure_ms: Annotated[int, Field(ge=0, le=600_000)] = 1_000
    retention_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    criteria: Annotated[list[CriterionEntry], Field(min_length=1, max_length=20)]
    arms: Annotated[list[ArmEntry], Field(min_length=2, max_length=100)]
    prompts: Annotated[list[PromptEntry], Field(min_length=1, max_length=100_000)]
