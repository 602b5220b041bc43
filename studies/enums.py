"""The closed vocabularies of a study. Slot words belong to the screen, arm words to the analysis."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class StudyStatus(TextChoices):
    """A study's life; the moves between them are in `MOVES`."""

    DRAFT = "draft", "Draft"
    GENERATING = "generating", "Generating"
    READY = "ready", "Ready to open"
    OPEN = "open", "Open"
    PAUSED = "paused", "Paused"
    CLOSED = "closed", "Closed"
    ARCHIVED = "archived", "Archived"


MOVES: dict[StudyStatus, tuple[StudyStatus, ...]] = {
    StudyStatus.DRAFT: (StudyStatus.GENERATING,),
    StudyStatus.GENERATING: (StudyStatus.READY, StudyStatus.DRAFT),
    # Back, when completions are drawn anew before opening.
    StudyStatus.READY: (StudyStatus.OPEN, StudyStatus.GENERATING),
    StudyStatus.OPEN: (StudyStatus.PAUSED, StudyStatus.CLOSED),
    StudyStatus.PAUSED: (StudyStatus.OPEN, StudyStatus.CLOSED),
    StudyStatus.CLOSED: (StudyStatus.ARCHIVED,),
    StudyStatus.ARCHIVED: (),
}
FROZEN = (StudyStatus.OPEN, StudyStatus.PAUSED, StudyStatus.CLOSED, StudyStatus.ARCHIVED)
"""Statuses in which the plan is frozen."""
UNBLINDED = (StudyStatus.CLOSED, StudyStatus.ARCHIVED)
"""Statuses in which researchers may see which arm wrote what, unblinded early or not."""


class Slot(TextChoices):
    """A place on the annotator's screen."""

    A = "A", "A"
    B = "B", "B"

    @property
    def other(self) -> "Slot":
        """The slot that this one is not."""
        return Slot.B if self is Slot.A else Slot.A


class Choice(TextChoices):
    """What an annotator picked, in the slot frame."""

    A = "A", "A is better"
    TIE = "tie", "Tie"
    BOTH_BAD = "both_bad", "Both are bad"
    B = "B", "B is better"


class Outcome(TextChoices):
    """What a judgment says of the candidate, in the arm frame."""

    WIN = "win", "Win"
    TIE = "tie", "Tie"
    LOSS = "loss", "Loss"


class Scale(TextChoices):
    """The answers that a criterion offers."""

    TWO_WAY = "two_way", "A or B"
    TIE = "tie", "A, tie or B"
    BOTH_BAD = "both_bad", "A, tie, both bad or B"
    FIVE_POINT = "five_point", "Five points"
    SEVEN_POINT = "seven_point", "Seven points"


CHOICES: dict[Scale, tuple[Choice, ...]] = {
    Scale.TWO_WAY: (Choice.A, Choice.B),
    Scale.TIE: (Choice.A, Choice.TIE, Choice.B),
    Scale.BOTH_BAD: (Choice.A, Choice.TIE, Choice.BOTH_BAD, Choice.B),
    Scale.FIVE_POINT: (Choice.A, Choice.TIE, Choice.B),
    Scale.SEVEN_POINT: (Choice.A, Choice.TIE, Choice.B),
}
STRENGTHS: dict[Scale, int] = {Scale.FIVE_POINT: 2, Scale.SEVEN_POINT: 3}
"""How many degrees a graded scale has on each side of the tie."""


class TieRule(TextChoices):
    """How ties enter the win rate."""

    HALF = "half", "Half a win"
    DROP = "drop", "Left out"


class Family(TextChoices):
    """The kinds of prompt that the paper covers."""

    CHAT = "chat", "Chat"
    CHAIN_OF_THOUGHT = "chain_of_thought", "Chain of thought"
    LONG_TEXT = "long_text", "Long text"
    PLAIN = "plain", "Plain"


class Draws(TextChoices):
    """Whether the arms of a prompt share their noise."""

    INDEPENDENT = "independent", "Independent"
    COUPLED = "coupled", "Coupled"


class Design(TextChoices):
    """Which arms are compared with each other."""

    BASELINE = "baseline", "Each arm with the baseline"
    ALL_PAIRS = "all_pairs", "Every pair of arms"
    BALANCED = "balanced", "Some pairs of each prompt, all equally often"
    DRAWN = "drawn", "One drawn arm per prompt with the baseline"


class TextFormat(TextChoices):
    """How responses are rendered; one for the whole study, so both slots look alike."""

    PLAIN = "plain", "Plain text"
    MARKDOWN = "markdown", "Markdown"


class Kind(TextChoices):
    """What a comparison is for."""

    REAL = "real", "Real"
    CHECK = "check", "Attention check"
    REPEAT = "repeat", "Swapped repeat"
    LEFT_OUT = "out", "Left out of the plan before opening"


class Decoy(TextChoices):
    """How the inferior response of an attention check is made."""

    SHUFFLED = "shuffled", "Words shuffled"
    MISMATCHED = "mismatched", "A response to another prompt"
    WRITTEN = "written", "Written by the researcher"


class Frame(TextChoices):
    """A side of a comparison in the arm frame."""

    CANDIDATE = "candidate", "Candidate"
    BASELINE = "baseline", "Baseline"


class AnnotatorStatus(TextChoices):
    """Where an annotator stands."""

    ACTIVE = "active", "Active"
    FINISHED = "finished", "Finished"
    SCREENED = "screened", "Screened out"


class ReportKind(TextChoices):
    """Whether a report was made of a study that still collects, or of a closed one."""

    INTERIM = "interim", "Interim"
    FINAL = "final", "Final"


class ReportState(TextChoices):
    """Where a report stands."""

    QUEUED = "queued", "Waiting for a worker"
    RUNNING = "running", "Being made"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


class Role(TextChoices):
    """What somebody is in one study. What each may do is in `studies/domain/access.py`."""

    OWNER = "owner", "Owner"
    EDITOR = "editor", "Editor"
    ANALYST = "analyst", "Analyst"
    MONITOR = "monitor", "Monitor"


class Ability(TextChoices):
    """What can be allowed in a study; the label goes on from “you may” or “you may not”."""

    SEE_PROGRESS = "see_progress", "see how far it is"
    SEE_MEMBERS = "see_members", "see who works on it"
    SEE_DESIGN = "see_design", "see its arms, prompts, settings and plan"
    SEE_PAIRS = "see_pairs", "see its pairs, blinded until it is closed"
    SEE_ANNOTATORS = "see_annotators", "see how its annotators work"
    SEE_LOG = "see_log", "see its log"
    SEE_RESULTS = "see_results", "see its results once it is closed"
    EXPORT = "export", "download its judgments and report once it is closed"
    EDIT = "edit", "change its design before it opens"
    TRY_OUT = "try_out", "try its arms and see which wrote what, before the plan is frozen"
    GENERATE = "generate", "have its completions written"
    CONDUCT = "conduct", "open, pause, resume, extend, close and archive it"
    EXCLUDE = "exclude", "leave annotators out of its analysis"
    SEE_PERSONAL = "see_personal", "see what its annotators said of themselves"
    ERASE = "erase", "erase what its annotators said of themselves"
    UNBLIND_EARLY = "unblind_early", "unblind it before it is closed, saying why"
    MANAGE_MEMBERS = "manage_members", "invite members and change their roles"


class Scope(TextChoices):
    """What a token of the API may be used for, within what its account may do at all."""

    READ = "read", "Read: studies, their progress, design, blinded pairs, annotators and log"
    WRITE = "write", "Write: make, change and run studies, leave annotators out"
    RESULTS = "results", "Results: judgments, reports and pairs with their arms, once a study is closed"
    PERSONAL = "personal", "Personal: what annotators said of themselves"
    MEMBERS = "members", "Members: invite people and change their roles"


class NoticeEvent(TextChoices):
    """What somebody may be told of without looking; none of it says which arm does better."""

    GENERATION_DONE = "generation.done", _("All completions are written")
    GENERATION_FAILED = "generation.failed", _("The writing of completions ended with failures")
    FILLED = "study.filled", _("Every planned judgment is there")
    QUALITY = "quality.alarm", _("Many annotators break the quality rules or fail checks")
    TEST = "test", _("A test")


class NoticeState(TextChoices):
    """Where a notice stands."""

    WAITING = "waiting", _("Waiting")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Given up")
