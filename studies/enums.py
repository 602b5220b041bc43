"""The closed vocabularies of a study. Slot words belong to the screen, arm words to the analysis."""

from django.db.models import TextChoices
from django.utils.translation import get_language, gettext, gettext_lazy
from django.utils.translation import gettext_noop as _


class StudyStatus(TextChoices):
    """A study's life; the moves between them are in `MOVES`."""

    DRAFT = "draft", _("Draft")
    GENERATING = "generating", _("Generating")
    READY = "ready", _("Ready to open")
    OPEN = "open", _("Open")
    PAUSED = "paused", _("Paused")
    CLOSED = "closed", _("Closed")
    ARCHIVED = "archived", _("Archived")


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

    A = "A", _("A")
    B = "B", _("B")

    @property
    def other(self) -> "Slot":
        """The slot that this one is not."""
        return Slot.B if self is Slot.A else Slot.A


class Choice(TextChoices):
    """What an annotator picked, in the slot frame."""

    A = "A", _("A is better")
    TIE = "tie", _("Tie")
    BOTH_BAD = "both_bad", _("Both are bad")
    B = "B", _("B is better")


class Outcome(TextChoices):
    """What a judgment says of the candidate, in the arm frame."""

    WIN = "win", _("Win")
    TIE = "tie", _("Tie")
    LOSS = "loss", _("Loss")


class Scale(TextChoices):
    """The answers that a criterion offers."""

    TWO_WAY = "two_way", _("A or B")
    TIE = "tie", _("A, tie or B")
    BOTH_BAD = "both_bad", _("A, tie, both bad or B")
    FIVE_POINT = "five_point", _("Five points")
    SEVEN_POINT = "seven_point", _("Seven points")


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

    HALF = "half", _("Half a win")
    DROP = "drop", _("Left out")


class Family(TextChoices):
    """The kinds of prompt that the paper covers."""

    CHAT = "chat", _("Chat")
    CHAIN_OF_THOUGHT = "chain_of_thought", _("Chain of thought")
    LONG_TEXT = "long_text", _("Long text")
    PLAIN = "plain", _("Plain")


class Draws(TextChoices):
    """Whether the arms of a prompt share their noise."""

    INDEPENDENT = "independent", _("Independent")
    COUPLED = "coupled", _("Coupled")


class Design(TextChoices):
    """Which arms are compared with each other."""

    BASELINE = "baseline", _("Each arm with the baseline")
    ALL_PAIRS = "all_pairs", _("Every pair of arms")
    BALANCED = "balanced", _("Some pairs of each prompt, all equally often")
    DRAWN = "drawn", _("One drawn arm per prompt with the baseline")


class TextFormat(TextChoices):
    """How responses are rendered; one for the whole study, so both slots look alike."""

    PLAIN = "plain", _("Plain text")
    MARKDOWN = "markdown", _("Markdown")


class Kind(TextChoices):
    """What a comparison is for."""

    REAL = "real", _("Real")
    CHECK = "check", _("Attention check")
    REPEAT = "repeat", _("Swapped repeat")
    LEFT_OUT = "out", _("Left out of the plan before opening")


class Decoy(TextChoices):
    """How the inferior response of an attention check is made."""

    SHUFFLED = "shuffled", _("Words shuffled")
    MISMATCHED = "mismatched", _("A response to another prompt")
    WRITTEN = "written", _("Written by the researcher")


class Frame(TextChoices):
    """A side of a comparison in the arm frame."""

    CANDIDATE = "candidate", _("Candidate")
    BASELINE = "baseline", _("Baseline")


class AnnotatorStatus(TextChoices):
    """Where an annotator stands."""

    ACTIVE = "active", _("Active")
    FINISHED = "finished", _("Finished")
    SCREENED = "screened", _("Screened out")


class ReportKind(TextChoices):
    """Whether a report was made of a study that still collects, or of a closed one."""

    INTERIM = "interim", _("Interim")
    FINAL = "final", _("Final")


class ReportState(TextChoices):
    """Where a report stands."""

    QUEUED = "queued", _("Waiting for a worker")
    RUNNING = "running", _("Being made")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")


class Role(TextChoices):
    """What somebody is in one study. What each may do is in `studies/domain/access.py`."""

    OWNER = "owner", _("Owner")
    EDITOR = "editor", _("Editor")
    ANALYST = "analyst", _("Analyst")
    MONITOR = "monitor", _("Monitor")


class Ability(TextChoices):
    """What can be allowed in a study; the label goes on from “you may” or “you may not”."""

    SEE_PROGRESS = "see_progress", _("see how far it is")
    SEE_MEMBERS = "see_members", _("see who works on it")
    SEE_DESIGN = "see_design", _("see its arms, prompts, settings and plan")
    SEE_PAIRS = "see_pairs", _("see its pairs, blinded until it is closed")
    SEE_ANNOTATORS = "see_annotators", _("see how its annotators work")
    SEE_LOG = "see_log", _("see its log")
    SEE_RESULTS = "see_results", _("see its results once it is closed")
    EXPORT = "export", _("download its judgments and report once it is closed")
    EDIT = "edit", _("change its design before it opens")
    TRY_OUT = "try_out", _("try its arms and see which wrote what, before the plan is frozen")
    GENERATE = "generate", _("have its completions written")
    CONDUCT = "conduct", _("open, pause, resume, extend, close and archive it")
    EXCLUDE = "exclude", _("leave annotators out of its analysis")
    SEE_PERSONAL = "see_personal", _("see what its annotators said of themselves")
    ERASE = "erase", _("erase what its annotators said of themselves")
    UNBLIND_EARLY = "unblind_early", _("unblind it before it is closed, saying why")
    MANAGE_MEMBERS = "manage_members", _("invite members and change their roles")


class Scope(TextChoices):
    """What a token of the API may be used for, within what its account may do at all."""

    READ = "read", _("Read: studies, their progress, design, blinded pairs, annotators and log")
    WRITE = "write", _("Write: make, change and run studies, leave annotators out")
    RESULTS = "results", _("Results: judgments, reports and pairs with their arms, once a study is closed")
    PERSONAL = "personal", _("Personal: what annotators said of themselves")
    MEMBERS = "members", _("Members: invite people and change their roles")


class NoticeEvent(TextChoices):
    """What somebody may be told of without looking; none of it says which arm does better."""

    GENERATION_DONE = "generation.done", gettext_lazy("All completions are written")
    GENERATION_FAILED = "generation.failed", gettext_lazy("The writing of completions ended with failures")
    FILLED = "study.filled", gettext_lazy("Every planned judgment is there")
    QUALITY = "quality.alarm", gettext_lazy("Many annotators break the quality rules or fail checks")
    TEST = "test", gettext_lazy("A test")


class NoticeState(TextChoices):
    """Where a notice stands."""

    WAITING = "waiting", gettext_lazy("Waiting")
    SENT = "sent", gettext_lazy("Sent")
    FAILED = "failed", gettext_lazy("Given up")


def in_sentence(label: str) -> str:
    """Return a label in the reader's language as it stands within a sentence.

    Labels themselves are in English, for files and commands; a page translates what it shows. German
    keeps the capitals that its nouns have.
    """
    words = gettext(label)
    return words if get_language() == "de" else words.lower()
