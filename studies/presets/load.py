"""Loading the preset studies. Each step looks at how far it is, so an interrupted start goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from django.db import transaction

from studies.domain import lifecycle
from studies.enums import StudyStatus
from studies.files.completions import import_completions
from studies.files.importer import import_study
from studies.models import Study
from studies.simulation.behaviour import Crowd
from studies.simulation.run import simulate
from studies.simulation.site import serving

FOLDER = Path(__file__).parent
EXAMPLE = "stay-on-topic"
DEMO = "demo-finished"
ACTOR = "first start"
_FILE = FOLDER / "stay-on-topic.yaml"
_COMPLETIONS = FOLDER / "demo-finished" / "completions.jsonl"

_CROWD = Crowd(
    seed=20230630,
    win_rates={"instruction": 0.74, "message": 0.53},
    annotator_spread=0.35,
    prompt_spread=0.7,
)
_ANNOTATORS = 12
_COMPARISONS = 8


def _study(slug: str) -> Study:
    """Return the study of that name; the preset file is imported when there is none."""
    existing = Study.objects.filter(slug=slug).first()
    if existing is not None:
        return existing
    data = _FILE.read_text(encoding="utf-8").replace(f"study: {EXAMPLE}\n", f"study: {slug}\n", 1)
    if slug == DEMO:
        data = data.replace("title: Following instructions\n", "title: Following instructions, finished\n", 1)
    return import_study(data.encode(), name=_FILE.name, actor=ACTOR)


def example_study() -> Study:
    """Return the example, with its completions asked for, unless somebody has cancelled that."""
    study = _study(EXAMPLE)
    asked = study.events.filter(action="study.generation_started").exists()
    if study.status == StudyStatus.DRAFT and not asked:
        study = lifecycle.start_generation(study=study, actor=ACTOR)
    return study


def demo_study(*, say: Callable[[str], object]) -> Study:
    """Return the finished demonstration: real completions, simulated annotators, marked as such."""
    study = _study(DEMO)
    if study.status == StudyStatus.DRAFT:
        study = _with_shipped_completions(study)
    study = lifecycle.settle(study)
    if study.status == StudyStatus.READY:
        study = lifecycle.open_study(study=study, actor=ACTOR)
    if study.status == StudyStatus.OPEN:
        say("Finishing the demonstration study with simulated annotators ...")
        _finish(study)
        study = lifecycle.close_study(study=study, actor=ACTOR)
    return study


@transaction.atomic
def _with_shipped_completions(study: Study) -> Study:
    """Store the completions that a run of the real model wrote, with their provenance."""
    Study.objects.filter(pk=study.pk).update(simulated=True)
    study.refresh_from_db()
    import_completions(study, _COMPLETIONS, actor=ACTOR)
    return lifecycle.start_generation(study=study, actor=ACTOR)


def _finish(study: Study) -> None:
    """Let the simulated annotators fill every row that is still free."""
    while study.assignments.filter(submitted_at=None).exists():
        with serving() as url:
            made = simulate(
                study=study, crowd=_CROWD, url=url, annotators=_ANNOTATORS, comparisons=_COMPARISONS
            )
        if not made:
            return
