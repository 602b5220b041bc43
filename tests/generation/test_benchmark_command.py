import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from generation import harness, preparing
from generation.engine.sources import file_hash

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _own_folders(settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr(preparing, "_loaded", {})
    for name in ("HF_HUB_CACHE", "HF_DATASETS_CACHE", "HF_MODULES_CACHE"):
        monkeypatch.setenv(name, str(tmp_path))


@pytest.mark.django_db
def test_a_table_shows_what_was_found_at_each_scale(tiny_folder: Path, capsys) -> None:
    call_command("benchmark", f"path:{tiny_folder}", gammas=[1.0, 1.5], limit=3)

    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == ["task", "metric", "gamma", "value", "s.e.", "gain", "s.e.", "n"]
    assert [line.split()[:3] for line in lines[:-1]] == [
        ["evenhand_last_word", metric, scale] for scale in ("1", "1.5") for metric in ("perplexity", "acc")
    ]


@pytest.mark.django_db
def test_json_names_the_weights_and_every_figure(tiny_folder: Path, capsys) -> None:
    call_command("benchmark", f"path:{tiny_folder}", gammas=[1.0, 2.0], limit=2, json=True)

    document = json.loads(capsys.readouterr().out)
    assert document["weight_hash"] == file_hash(tiny_folder / "model.safetensors")
    assert (document["negative"], document["dtype"], document["device"]) == ("last_token", "float32", "cpu")
    assert [(one["metric"], one["scale"], one["documents"]) for one in document["found"]] == [
        ("perplexity", 1.0, 2),
        ("acc", 1.0, 2),
        ("perplexity", 2.0, 2),
        ("acc", 2.0, 2),
    ]


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness.importlib.util, "find_spec", lambda _: None)

    with pytest.raises(CommandError, match="pip install lm-eval"):
        call_command("benchmark")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["no-such-checkpoint"], "there is no checkpoint"),
        (["given:elsewhere"], "is not held here"),
        (["path:{tiny}", "--negative", "default_system", "--limit", "1"], "needs conversations"),
        (["path:{tiny}", "--negative", "text", "--limit", "1"], "negative_text goes with"),
        (["path:{tiny}", "--chat", "--limit", "1"], "does not fit a conversation"),
        (["--gammas", "1,much"], "are no numbers"),
    ],
)
def test_mistakes_are_one_line(arguments: list[str], reason: str, tiny_folder: Path) -> None:
    with pytest.raises(CommandError, match=reason):
        call_command("benchmark", *[argument.format(tiny=tiny_folder) for argument in arguments])


def test_it_needs_no_network_and_leaves_the_home_alone(tiny_folder: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    own = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "XDG_"))}
    # Whoever asks the hub fails: nothing listens there.
    own |= {"HOME": str(home), "HF_ENDPOINT": "http://127.0.0.1:9", "OMP_NUM_THREADS": "1"}
    script = (
        "from pathlib import Path; from generation import harness; "
        f"root = Path({str(tmp_path)!r}); harness.keep_caches_in(root / 'benchmarks'); "
        "from generation.engine import load, prepare; from generation.harness.curve import curve; "
        f"loaded = load('tiny', prepare('path:{tiny_folder}', root=root), device='cpu'); "
        "print(len(curve(loaded, scales=[2.0], limit=1)))"
    )

    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=own, capture_output=True, text=True, check=False
    )

    assert (ended.returncode, ended.stdout) == (0, "2\n"), ended.stderr[-2000:]
    assert sorted(path.name for path in home.rglob("*")) == []


def test_a_place_for_caches_that_the_environment_names_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", "/somewhere")
    monkeypatch.delenv("HF_DATASETS_CACHE")

    harness.keep_caches_in(Path("/elsewhere"))

    assert "HF_DATASETS_CACHE" not in os.environ
