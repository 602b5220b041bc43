"""`manage.py checkpoints`."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from generation import preparing
from generation.models import Checkpoint
from tests import factories
from tests.generation import tiny

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    preparing._loaded.clear()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny.save(tmp_path / "tiny")


def run(*words: str) -> str:
    out = StringIO()
    call_command("checkpoints", *words, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_an_empty_list_says_what_to_do() -> None:
    assert run("list") == "No checkpoint yet: import a study, or run `manage.py checkpoints add`.\n"
    assert json.loads(run("list", "--json")) == []


def test_a_checkpoint_is_added_converted_and_listed(folder: Path) -> None:
    run("add", "small", f"path:{folder}")
    factories.ArmFactory(
        study=factories.StudyFactory(slug="kind"), checkpoint=Checkpoint.objects.get(name="small")
    )

    converted = run("convert", "small")

    weights = Checkpoint.objects.get(name="small").weight_hash
    assert converted == f"small is ready: weights {weights}\n"
    size = (folder / "model.safetensors").stat().st_size
    parameters = sum(p.numel() for p in tiny.llama().parameters())
    assert json.loads(run("list", "--json")) == [
        {
            "name": "small",
            "source": f"path:{folder}",
            "revision": "",
            "status": "ready",
            "stage": "",
            "error": "",
            "weight_hash": weights,
            "licence": "",
            "architecture": "LlamaForCausalLM",
            "parameters": parameters,
            "size_bytes": size,
            "dtype": "F32",
            "context": 256,
            "chat_template": True,
            "system_role": True,
            "studies": ["kind"],
        }
    ]
    assert run("list").splitlines() == [
        "small: ready",
        f"  source   path:{folder}",
        f"  weights  {parameters:,} parameters, {size / 1024:.1f} KB as F32",
        "  context  256, chat template with a system role",
        "  licence  none stated",
        f"  sha256   {weights}",
        "  used by  kind",
    ]


def test_a_failure_is_one_line_and_stays_in_the_list(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"damaged")
    run("add", "broken", f"path:{folder}")

    with pytest.raises(CommandError, match="is no file of safetensors"):
        run("convert", "broken")

    assert "broken: failed" in run("list")
    assert "  says     " in run("list")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("add", "small", "somewhere"), "is no source of a checkpoint"),
        (("add", "small", "path:/nowhere"), "holds no checkpoint"),
        (("convert", "nothing"), "there is no checkpoint"),
        (("convert", "given:elsewhere"), "is not held here"),
    ],
)
def test_mistakes_are_one_line(words: tuple[str, ...], reason: str) -> None:
    with pytest.raises(CommandError, match=reason):
        run(*words)


def test_a_name_keeps_its_source(folder: Path) -> None:
    run("add", "small", f"path:{folder}")

    with pytest.raises(CommandError, match="take another name for another source"):
        run("add", "small", "hub:someone/else")
