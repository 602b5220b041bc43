"""Arms that a server answers for, in the study file."""

import pytest

from generation.models import Checkpoint
from studies.domain.plan import study_document
from studies.files.errors import StudyFileError
from studies.files.importer import import_study
from studies.files.reader import read_study
from studies.files.writer import export_study

FILE = """\
evenhand: 1
study: sea
title: Which text is better?
instructions: Read both.
consent: You may stop.
seed: 7
criteria:
  - name: overall
    question: Which is better?
    primary: true
arms:
  - name: local
    baseline: true
    checkpoint: smollm2-135m-instruct
  - name: served
    endpoint:
      base_url: https://models.example/v1
      model: large
prompts:
  - id: ocean
    user: Tell me about the ocean.
"""
BASE = "      base_url: https://models.example/v1\n      model: large\n"


def read(text):
    return read_study(text.encode(), name="sea.yaml")


def imported(text):
    return import_study(text.encode(), name="sea.yaml", actor="ada")


def with_arm(more):
    return FILE.replace("prompts:\n", f"{more}prompts:\n")


def with_endpoint(more):
    return FILE.replace(BASE, BASE + more)


def refused(text) -> str:
    with pytest.raises(StudyFileError) as error:
        read(text)
    return str(error.value)


def test_endpoint_needs_an_address_and_a_model_only():
    endpoint = read(FILE).arms[1].endpoint.endpoint()

    assert (endpoint.base_url, endpoint.model) == ("https://models.example/v1", "large")
    assert (endpoint.key_env, endpoint.requests_per_minute, endpoint.seed) == (
        "EVENHAND_ENDPOINT_KEY",
        60,
        True,
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (with_arm("    guidance_scale: 1.5\n"), "arms[1].guidance_scale: needs the logits of each step"),
        (with_arm("    negative: default_system\n"), "arms[1].negative: needs the logits of each step"),
        (with_arm("    plausibility: 0.1\n"), "arms[1].plausibility: needs the logits of each step"),
        (with_arm("    top_k: 20\n"), "arms[1].top_k: is no field of the protocol"),
        (with_arm("    min_p: 0.1\n"), "arms[1].min_p: is no field of the protocol"),
        (with_arm("    temperature: 2.5\n"), "arms[1].temperature: is 2.5; servers take 0 to 2"),
        (
            with_arm("    checkpoint: smollm2-135m-instruct\n"),
            "arms[1].checkpoint: and “endpoint” are both there",
        ),
        (FILE.replace(f"    endpoint:\n{BASE}", ""), "arms[1].checkpoint: is missing; name a checkpoint"),
        (FILE.replace("https://models", "ftp://models"), "arms[1].endpoint.base_url: is no base URL"),
        (
            FILE.replace("https://models", "https://ada:pw@models"),
            "arms[1].endpoint.base_url: is no base URL",
        ),
        (FILE.replace("      model: large\n", ""), "arms[1].endpoint.model: is missing"),
        (
            with_endpoint("      key_env: SECRET_KEY\n"),
            "arms[1].endpoint.key_env: is no name of a key's variable",
        ),
        (with_endpoint("      api_key: sk-1\n"), "arms[1].endpoint.api_key: unknown key"),
        (
            with_endpoint("      requests_per_minute: 0\n"),
            "arms[1].endpoint.requests_per_minute: 0 will not do",
        ),
        (with_endpoint("      extra: {model: x}\n"), "arms[1].endpoint.extra: model is no extra field"),
        (with_endpoint("      extra: {api_key: x}\n"), "arms[1].endpoint.extra: api_key looks like a key"),
        (
            with_arm(f"  - name: other\n    endpoint:\n{BASE}      requests_per_minute: 5\n"),
            "arms[2].endpoint.requests_per_minute: is 5 here and 60 for “served”, which calls",
        ),
        (
            with_arm(f"  - name: other\n    endpoint:\n{BASE}"),
            "arms[2]: decodes exactly as “served” does",
        ),
    ],
)
def test_what_an_endpoint_cannot_do_is_refused_by_name(text, told):
    said = refused(text)

    assert told in said
    assert said.startswith("sea.yaml, line ")


def test_mistake_names_its_own_line():
    assert refused(with_arm("    top_k: 20\n")).startswith("sea.yaml, line 19, ")


@pytest.mark.django_db
def test_arm_gets_a_row_that_says_where_and_how_to_call():
    study = imported(with_endpoint("      extra: {top_k: 20}\n      key_env: EVENHAND_ENDPOINT_KEY_LAB\n"))

    checkpoint = study.arms.get(name="served").checkpoint
    assert checkpoint.source == "endpoint:https://models.example/v1"
    assert checkpoint.endpoint == {
        "base_url": "https://models.example/v1",
        "model": "large",
        "key_env": "EVENHAND_ENDPOINT_KEY_LAB",
        "extra": {"top_k": 20},
    }


@pytest.mark.django_db
def test_export_of_an_import_is_the_same_bytes_ever_after():
    first = export_study(
        imported(
            with_arm("    temperature: 0.5\n").replace(BASE, f"{BASE}      extra: {{b: [1], a: true}}\n")
        )
    )

    again = export_study(imported(first.replace("study: sea", "study: copy")))

    assert again.replace("study: copy", "study: sea") == first
    assert (
        "  - name: served\n"
        "    endpoint:\n"
        "      base_url: https://models.example/v1\n"
        "      model: large\n"
        "      extra:\n"
        "        a: true\n"
        "        b:\n"
        "          - 1\n"
        "    temperature: 0.5\n"
        "    top_p: 1.0\n"
        "    max_new_tokens: 128\n"
    ) in first


@pytest.mark.django_db
def test_importing_the_same_file_again_changes_nothing():
    first = imported(FILE)
    before = study_document(first)

    assert study_document(imported(FILE.replace("/v1\n", ":443/v1/\n"))) == before
    assert Checkpoint.objects.filter(source__startswith="endpoint:").count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("more", ["      seed: false\n", "      extra: {top_k: 5}\n"])
def test_what_is_sent_otherwise_is_another_arm(more):
    study = imported(with_arm(f"  - name: other\n    endpoint:\n{BASE}{more}"))

    assert len({arm.spec_hash for arm in study.arms.all()}) == 3


@pytest.mark.django_db
def test_study_page_shows_the_server_and_where_its_key_is(dashboard):
    imported(FILE)

    page = " ".join(dashboard.get("/studies/sea/").content.decode().split())

    assert "<dt>Model</dt><dd>large</dd> <dt>Endpoint</dt><dd>https://models.example/v1 " in page
    assert "from <code>EVENHAND_ENDPOINT_KEY</code>" in page
    assert page.count("<dt>Guidance scale</dt>") == 1


@pytest.mark.django_db
def test_server_cannot_pass_for_a_checkpoint_by_its_name():
    name = imported(FILE).arms.get(name="served").checkpoint.name
    by_name = FILE.replace(f"    endpoint:\n{BASE}", f'    checkpoint: "{name}"\n    guidance_scale: 1\n')

    with pytest.raises(
        StudyFileError, match=r"arms\[1\]\.checkpoint: “large at .*” is a server, not a checkpoint"
    ):
        imported(by_name.replace("study: sea", "study: other"))
