"""The container files, as far as they can be held to the project without a Docker engine."""

import importlib.util
import json
import re
import shlex
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands

from generation.endpoint.address import KEY_ENV

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "docker/Dockerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "docker/compose.yaml").read_text())
OURS = ("setup", "web", "worker")
READ = re.compile(r"""env\.(?:text|flag|whole|names|addresses|url|folder|secret)\(\s*"([A-Z_]+)\"""")
# Read by Python, Hugging Face, matplotlib and the shell.
FOREIGN = {"PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "HF_HOME", "MPLCONFIGDIR"}


def instructions():
    """Return the Dockerfile's instructions as (word, rest), continued lines joined."""
    joined = re.sub(r"\\\n\s*", " ", DOCKERFILE)
    lines = [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]
    return [tuple(line.split(maxsplit=1)) for line in lines]


def stages():
    """Return the instructions of every stage by its name."""
    found = {}
    for word, rest in instructions():
        if word == "FROM":
            source, name = re.fullmatch(r"(\S+) AS (\S+)", rest).groups()
            found[name] = [("FROM", source)]
        elif found:
            found[name].append((word, rest))
    return found


def lineage(target):
    """Return the instructions of a stage and of those that it builds on."""
    own = stages()[target]
    parent = own[0][1]
    return [*(lineage(parent) if parent in stages() else []), *own]


def known_variables():
    read = {name for file in (ROOT / "config").glob("*.py") for name in READ.findall(file.read_text())}
    return read | {KEY_ENV}


def commands():
    """Return every command that a container of ours runs, as words."""
    listed = [
        json.loads(rest[rest.index("[") :]) for word, rest in instructions() if word in {"CMD", "HEALTHCHECK"}
    ]
    listed += [
        COMPOSE["services"][name]["command"] for name in OURS if "command" in COMPOSE["services"][name]
    ]
    return [words for command in listed for words in unwrapped(command)]


def unwrapped(command):
    if command[:2] == ["sh", "-c"]:
        return [shlex.split(part) for part in command[2].split("&&")]
    return [command]


def test_every_copied_path_exists_and_is_sent_to_the_engine():
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = [
        path
        for word, rest in instructions()
        if word == "COPY" and "--from" not in rest
        for path in rest.split()[:-1]
    ]

    assert copied
    assert [path for path in copied if not (ROOT / path).exists()] == []
    assert sorted(copied) == sorted(allowed)


def test_every_package_of_the_project_is_in_the_image():
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}

    copied = {rest.split()[0] for word, rest in instructions() if word == "COPY"}
    assert packages <= copied


@pytest.mark.parametrize("target", ["web", "worker"])
def test_a_target_runs_as_nobody_special_and_tells_its_health(target):
    words = dict(lineage(target))

    assert words["USER"] == "evenhand"
    assert "HEALTHCHECK" in words
    assert "CMD" in words


def test_compose_builds_targets_that_exist():
    targets = {COMPOSE["services"][name]["build"]["target"] for name in OURS}

    assert targets == {"web", "worker"}
    assert targets <= set(stages())


@pytest.mark.parametrize("name", OURS)
def test_compose_names_files_that_exist(name):
    build = COMPOSE["services"][name]["build"]

    context = (ROOT / "docker" / build["context"]).resolve()
    assert context == ROOT
    assert (context / build["dockerfile"]).is_file()


def test_every_variable_is_read_by_somebody():
    image = {
        pair.split("=")[0] for word, rest in instructions() if word == "ENV" for pair in shlex.split(rest)
    }
    services = {variable for name in OURS for variable in COMPOSE["services"][name]["environment"]}

    assert image | services <= known_variables() | FOREIGN
    assert {"DATABASE_URL", "REDIS_URL", "SECRET_KEY"} <= services


def test_every_substituted_variable_is_in_the_sample():
    used = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker/compose.yaml").read_text()))
    sampled = set(re.findall(r"^([A-Z_]+)=", (ROOT / "docker/compose.env.sample").read_text(), re.MULTILINE))

    assert used == sampled


def test_no_secret_has_a_default():
    text = (ROOT / "docker/compose.yaml").read_text()

    for name in ("POSTGRES_PASSWORD", "SECRET_KEY"):
        assert set(re.findall(rf"\$\{{{name}(..)", text)) == {":?"}
    assert "docker/compose.env" in (ROOT / ".gitignore").read_text().splitlines()


def test_every_command_runs_a_module_that_exists():
    modules, django = set(), set()
    for words in commands():
        modules |= {words[place + 1] for place, word in enumerate(words) if word in {"-m", "-A"}}
        modules |= {word.removeprefix("python:") for word in words if re.match(r"(python:)?config\.", word)}
        django |= {words[2]} if words[:2] == ["python", "manage.py"] else set()

    assert modules == {"config", "config.health", "config.server", "config.wsgi"}
    assert [module for module in modules if importlib.util.find_spec(module) is None] == []
    assert django == {"migrate", "collectstatic", "bootstrap"}
    assert django <= set(get_commands())


def test_services_wait_for_what_they_need():
    services = COMPOSE["services"]

    for name in OURS:
        for other, need in services[name]["depends_on"].items():
            ready = "healthcheck" in services[other] or need["condition"] != "service_healthy"
            assert ready, f"{name} waits for the health of {other}, which tells none"
    volumes = {volume.split(":")[0] for service in services.values() for volume in service.get("volumes", [])}
    assert volumes == set(COMPOSE["volumes"])


def test_the_site_is_published_on_loopback_only():
    ports = {name: service["ports"] for name, service in COMPOSE["services"].items() if "ports" in service}

    assert ports == {"web": ["127.0.0.1:${PORT:-8000}:8000"]}
