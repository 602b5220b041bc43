"""The preset `equal-cost` with two small checkpoints of one to two: what it compares costs the same."""

from pathlib import Path

import pytest
import yaml
from django.core.management import CommandError, call_command

from generation import preparing
from generation.models import Completion
from studies import queries
from studies.domain import lifecycle
from studies.files.importer import import_study
from studies.presets.catalogue import preset_file
from tests.generation import tiny

pytestmark = pytest.mark.django_db
SMALL, LARGE = "hub:EleutherAI/pythia-1.4b", "hub:EleutherAI/pythia-2.8b"
LAYERS = {SMALL: 2, LARGE: 6}
"""A layer has 9,280 weights, embedding, head and last norm 16,544: 35,104 and 72,224, 1 to 2.06."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Stand-ins for the two checkpoints that the preset names."""
    return {
        name: tiny.save(tmp_path_factory.mktemp("tiny"), tiny.llama(layers=layers))
        for name, layers in LAYERS.items()
    }


def preset(sources: dict[str, str]):
    """Import the preset with other sources in the places of its checkpoints, and fewer, shorter texts."""
    content = yaml.safe_load(preset_file("equal-cost"))
    assert {arm["checkpoint"] for arm in content["arms"]} == set(sources)
    for arm in content["arms"]:
        arm |= {"checkpoint": sources[arm["checkpoint"]], "max_new_tokens": 24}
    content["prompts"] = content["prompts"][:3]
    study = import_study(yaml.safe_dump(content).encode(), name="equal-cost.yaml", actor="ada")
    return lifecycle.start_generation(study=study, actor="ada")


def row_tokens(study, arm: str) -> int:
    """Return the tokens that an arm's rows read; the unconditional one begins with one of the prompt."""
    own = Completion.objects.filter(batch_key=study.key, arm_key=study.arms.get(name=arm).key)
    rows = 2 if arm == "small guided" else 1
    return sum(one.prompt_tokens + rows - 1 + rows * (one.token_count - 1) for one in own)


def test_the_small_guided_checkpoint_costs_what_the_large_one_costs(folders, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    preparing._loaded.clear()
    study = preset({name: f"path:{folder}" for name, folder in folders.items()})

    call_command("generate", "equal-cost")

    assert Completion.objects.filter(batch_key=study.key, status="done").count() == 9
    costs = {cost.arm: cost.forward_flops for cost in queries.arm_costs(study)}
    each = {name: costs[name] / row_tokens(study, name) for name in costs}
    assert each["small standard"] / each["large standard"] == pytest.approx(35_104 / 72_224)
    assert each["small guided"] == pytest.approx(each["small standard"])
    # Two rows of the small one for each row of the large one: the same cost, once texts are long.
    assert 2 * each["small guided"] / each["large standard"] == pytest.approx(1, rel=0.05)
    assert lifecycle.settle(study).status == "ready"


def test_an_absent_large_checkpoint_is_named_with_what_to_do(folders, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    preparing._loaded.clear()
    absent = Path("/nowhere/pythia-2.8b")
    preset({SMALL: f"path:{folders[SMALL]}", LARGE: f"path:{absent}"})

    with pytest.raises(CommandError, match=str(absent)):
        call_command("generate", "equal-cost")
