"""A study of plain prompts, asked of its workers."""

from generation import requests
from generation.spec import DecodingSpec, Negative
from studies.domain.lifecycle import start_generation
from studies.enums import Family
from studies.models import Arm, Prompt, Study
from tests import factories

TOKENS = 20


def make(slug: str, texts: list[str]) -> Study:
    """Make a study of two arms and two replicates, and have it generated."""
    study = factories.StudyFactory(slug=slug, replicates=2)
    checkpoint = requests.ensure_checkpoint("tiny", "path:/nowhere")
    for position, (name, guidance) in enumerate(
        [("standard", {}), ("guided", {"guidance_scale": 1.5, "negative": Negative.LAST_TOKEN})]
    ):
        spec = DecodingSpec("tiny", max_new_tokens=TOKENS, **guidance).as_dict()
        Arm.objects.create(
            study=study,
            position=position,
            name=name,
            baseline=name == "standard",
            checkpoint=checkpoint,
            spec=spec,
            spec_hash=name,
        )
    Prompt.objects.bulk_create(
        Prompt(
            study=study,
            position=number,
            name=f"p{number}",
            family=Family.PLAIN,
            text=text,
            content_hash=str(number),
        )
        for number, text in enumerate(texts)
    )
    factories.CriterionFactory(study=study)
    return start_generation(study=study, actor="ada")
