"""A study whose every secret is a word found nowhere else. Called inside a running site."""

from typing import Any

from django.contrib.auth import get_user_model

from generation.models import Completion
from generation.spec import DecodingSpec, Negative
from studies.domain import lifecycle
from studies.domain.audit import canonical, sha256
from studies.enums import StudyStatus
from studies.models import Study
from tests import factories

ARMS = ("canary-kestrel", "canary-wagtail")
GUIDANCE_SCALE = 1.61803
SEED = 918_273_645_123
SECRETS = (
    *ARMS,
    "canary-slug",
    "canary-checkpoint",
    "canary-negative",
    "canary-description",
    "canary-hash",
    "canary-stratum",
    str(GUIDANCE_SCALE),
    str(SEED),
    "guidance_scale",
)
"""What must not reach an annotator: who wrote what, and how."""
PRACTICE = [
    {
        "prompt": "Be brief.",
        "a": "Yes.",
        "b": "Well now.",
        "better": "A",
        "feedback": "Response A is shorter.",
    }
]
CHECK = {"prompt": "What is 2 + 2?", "better": "It makes four.", "worse": "It makes a fish."}
COMPREHENSION = [{"question": "What counts?", "options": ["Length", "Fit"], "answer": "Fit"}]
SURVEY = [{"name": "tools", "question": "With what?", "kind": "single", "options": ["Paper", "Screen"]}]
ARM_WORDS = (
    b"candidate",
    b"baseline",
    b"guidance",
    b"gamma",
    b"shuffled",
    b"decoy",
    b"replaced",
    b'check"',
    b"intact",
    b"written",
    b"worse",
)
"""Words of the arm frame and of what is inside a check, which no page of the slot frame has a use for."""


def canary_study(*, comparisons: int = 3) -> dict[str, Any]:
    """Make an open study with canaries in all its secrets, and a researcher who may see them."""
    checkpoint = factories.CheckpointFactory(name="canary-checkpoint")
    study = factories.draft_study(
        slug="canary-slug",
        description="canary-description",
        seed=SEED,
        prompts=comparisons,
        arms=ARMS,
        overlap=2,
        checks={"shuffled": 1, "written": 1},
        written_checks=[CHECK],
        differences=True,
        reasons={"options": ["Reads better"]},
        repeats=1,
        practice=PRACTICE,
        comprehension=COMPREHENSION,
        survey=SURVEY,
    )
    study.prompts.update(stratum="canary-stratum", source="canary-slug")
    for arm in study.arms.all():
        spec = DecodingSpec(
            checkpoint="canary-checkpoint",
            guidance_scale=1 if arm.baseline else GUIDANCE_SCALE,
            negative=Negative.NONE if arm.baseline else Negative.TEXT,
            negative_text="" if arm.baseline else "canary-negative",
        ).as_dict()
        study.arms.filter(pk=arm.pk).update(
            checkpoint=checkpoint, spec=spec, spec_hash=sha256(canonical(spec))
        )
    factories.complete(study)
    Completion.objects.filter(batch_key=study.key).update(
        provenance={"weight_hash": "canary-hash", "checkpoint": "canary-checkpoint"}
    )
    Study.objects.filter(pk=study.pk).update(status=StudyStatus.GENERATING)
    study.refresh_from_db()
    study = lifecycle.open_study(study=lifecycle.settle(study), actor="tests")
    get_user_model().objects.create_superuser("ada", password="correct horse battery")
    return {"invite": study.invite, "slug": study.slug}
