"""What goes in and out, as the OpenAPI document describes it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Field, Schema
from pydantic import AfterValidator, ConfigDict

from studies.enums import Role, Scope


def _storable(text: str) -> str:
    if "\0" in text:
        message = "has a NUL character, which cannot be stored"
        raise ValueError(message)
    return text


Text = Annotated[str, AfterValidator(_storable)]
"""Text that every database can hold."""
Key = Annotated[int, Field(ge=1, le=2**63 - 1)]
"""A row's number."""


class Given(Schema):
    """What is sent; a member that is not known is refused rather than overlooked."""

    model_config = ConfigDict(extra="forbid")


class StudyOut(Schema):
    """A study, and what the caller may do in it."""

    study: str
    title: str
    status: str
    simulated: bool
    unblinded: bool
    judgments_each: int
    role: str
    abilities: list[str]
    plan_hash: str
    created_at: datetime
    opened_at: datetime | None
    closed_at: datetime | None
    annotators_link: str
    link_until: datetime | None


class Completions(Schema):
    """How many there are."""

    total: int
    done: int
    failed: int


class Slots(Schema):
    """The rows of the slot plan."""

    planned: int
    leased: int
    filled: int


class StatusOut(Schema):
    """Where a study stands: the object of `study status --json`."""

    status: str
    completions: Completions
    comparisons: int
    slots: Slots
    judgments: int
    annotators: int
    generation: dict[str, Any] | None = None


class CheckOut(Schema):
    """Whether every invariant holds, and if not, what is wrong."""

    holds: bool
    violations: list[str]


class MoveIn(Given):
    """What a move has to be told; only `cancel-generation` asks something."""

    finished: Literal["keep", "drop"] | None = None


class ImportedOut(Schema):
    """What came of an import of completions."""

    imported: int
    missing: int


class FailureOut(Schema):
    """A completion that failed."""

    completion: int
    prompt: str
    arm: str
    replicate: int
    attempts: int
    reason: str


class LinkIn(Given):
    """A new link, or until when the one that there is lets newcomers in."""

    renew: bool = False
    until: datetime | None = None


class LinkOut(Schema):
    """The annotators' link."""

    link: str
    until: datetime | None


class PairOut(Schema):
    """A pair: by slots before the study is closed, by arms after."""

    comparison: int
    prompt: str
    stratum: str
    conversation: list[dict[str, str]]
    responses: dict[str, str]
    flags: dict[str, list[str]]
    arms: dict[str, str] | None = None
    outcomes: dict[str, int] | None = None


class PairsIn(Given):
    """Which pairs, and why."""

    comparisons: list[Key] = Field(default_factory=list, max_length=10_000)
    flag: Text = ""
    reason: Annotated[Text, Field(max_length=2000)] = ""


class PairsOut(Schema):
    """How many were changed."""

    changed: int
    told: list[str] = Field(default_factory=list)


class ScanOut(Schema):
    """What the quality scan found: how many pairs have each flag."""

    flagged: int
    counts: dict[str, int]


class ArmScanOut(Schema):
    """What the quality scan found in one arm."""

    arm: str
    completions: int
    flagged: int
    counts: dict[str, int]


class AnnotatorOut(Schema):
    """An annotator's work, in the slot frame."""

    annotator: int
    pseudonym: str
    status: str
    simulated: bool
    judgments: int
    median_ms: float | None
    share_a: float | None
    checks: int
    checks_passed: int
    reliability: float | None
    repeats: int
    repeats_alike: int
    agreement: float | None
    last_seen: datetime | None
    exclusions: list[ExclusionOut]


class ExclusionIn(Given):
    """By which rule, and what was seen."""

    rule: Text
    reason: Annotated[Text, Field(min_length=1, max_length=2000)]


class ExclusionOut(Schema):
    """Somebody who is left out."""

    exclusion: int
    annotator: str
    rule: str
    reason: str
    created_at: datetime
    revoked_at: datetime | None


class ErasureIn(Given):
    """The annotator's pseudonym to confirm it, and whether what they wrote in their own words goes too."""

    pseudonym: Annotated[Text, Field(max_length=40)]
    reasons: bool = False


class PersonOut(Schema):
    """A line of a recruiting site's list against who came."""

    external_id: str
    pseudonym: str
    status: str
    answered: int
    verdict: str


class ReportOut(Schema):
    """A report, made or in the making."""

    number: int
    kind: str
    state: str
    progress: int
    stage: str
    error: str
    asked_by: str
    asked_at: datetime
    made_at: datetime | None
    judgments: int
    judgments_hash: str
    plan_hash: str
    versions: dict[str, str]
    files: dict[str, str]


class MemberOut(Schema):
    """Somebody with a role in a study."""

    member: int
    name: str
    role: Role
    since: datetime


class RoleIn(Given):
    """A role."""

    role: Role


class InvitationIn(Given):
    """As what, for whom, for how many days."""

    role: Role
    note: Annotated[Text, Field(max_length=80)] = ""
    days: Literal[1, 7, 30] = 7


class InvitationOut(Schema):
    """A link that nobody has taken yet; the link itself is told once, when it is made."""

    invitation: int
    role: str
    note: str
    created_by: str
    expires_at: datetime
    link: str | None = None


class EventOut(Schema):
    """An entry of the log."""

    id: int
    at: datetime
    actor: str
    study: str | None
    action: str
    before: Any
    after: Any
    withheld: bool
    previous_hash: str
    hash: str


class CheckpointOut(Schema):
    """A checkpoint, and the caller's studies that use it."""

    checkpoint: str
    status: str
    revision: str
    held: bool
    studies: list[str]


class PresetOut(Schema):
    """A study that comes with the product."""

    preset: str
    purpose: str
    take: int
    whole: int


class PresetIn(Given):
    """Of a crossing of prompts, how many; `all`, or nothing for the preset's own number."""

    take: Annotated[int, Field(ge=1, le=1_000_000)] | Literal["all"] | None = None


class AccountOut(Schema):
    """Who calls."""

    account: str
    administrator: bool
    scopes: list[Scope]
    token: str | None
    expires_at: datetime | None


AnnotatorOut.model_rebuild()
