"""The API of a running site: what its document promises, tried at random, and the example of docs/api.md."""

import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from tests import services_kit
from tests.site_kit import ROOT, running_site

pytestmark = pytest.mark.services
STATES = ("draft", "ready", "open", "closed")
LIMITLESS = {"EVENHAND_LIMIT_API": "off", "EVENHAND_LIMIT_TOKENS": "off"}
NAMED = {"part": "collection", "prompt": "prompt-0", "number": 1, "preset": "several-turns"}
CONFORMING = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "allow_header_conformance",
)
TOO_LONG = 414
"""The server's own answer to an address of more than 8 kB, before the site has seen it."""


def seeded(running):
    world = running.seed("tests.services.api_seed:world")
    running.token, running.known = world["token"], world["known"]
    return running


@pytest.fixture(scope="module")
def site():
    """A site without limits on the API, with a study in each state and a token that may everything."""
    with running_site(LIMITLESS) as running:
        yield seeded(running)


@pytest.fixture(scope="module")
def served(postgres_url):
    """The same on PostgreSQL."""
    with (
        services_kit.database(postgres_url) as url,
        running_site(LIMITLESS | {"DATABASE_URL": url}) as running,
    ):
        yield seeded(running)


def operations(site):
    """Return the document and its operations, without header fields, which would refuse most requests."""
    document = httpx.get(f"{site.url}/api/v1/openapi.json").json()
    document.pop("security", None)
    for methods in document["paths"].values():
        for operation in methods.values():
            operation.pop("security", None)
            operation["parameters"] = [one for one in operation["parameters"] if one["in"] != "header"]
    schema = schemathesis.openapi.from_dict(document)
    return document, [found.ok() for found in schema.get_all_operations()]


@pytest.mark.parametrize(("database", "examples"), [("site", 3), ("served", 1)])
def test_every_answer_is_as_the_document_says(request, database, examples):
    site = request.getfixturevalue(database)
    document, found = operations(site)
    wrong, tried = [], {}

    for operation in found:
        for mode, number in ((GenerationMode.POSITIVE, examples), (GenerationMode.NEGATIVE, 1)):
            for status, told in answers(site, operation, mode, number):
                tried.setdefault(operation.label, set()).add(status)
                wrong += told

    assert wrong == []
    assert set(tried) == {
        f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods
    }
    # Something was reached: half of the operations or more did what they are for.
    assert sum(any(status < 300 for status in found) for found in tried.values()) >= len(tried) / 2


def answers(site, operation, mode, number):
    """Return the status of each made-up request, and in words what is wrong with its answer."""
    load_all_checks()
    refused = ("negative_data_rejection",) if mode is GenerationMode.NEGATIVE else ()
    checks = CHECKS.get_by_names([*CONFORMING, *refused])
    found = []

    @settings(
        max_examples=number,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), state=st.sampled_from((*STATES, "")))
    def ask(case, state):
        # Made-up names find nothing: most requests go to something that is there.
        known = {"slug": state, **NAMED, **site.known.get(state, {})} if state else {}
        case.path_parameters |= {name: known[name] for name in case.path_parameters if name in known}
        if isinstance(case.body, dict) and "pseudonym" in case.body and "pseudonym" in known:
            case.body["pseudonym"] = known["pseudonym"]
        case.headers = {"Authorization": f"Bearer {site.token}"}
        answer = case.call(base_url=site.url)
        found.append((answer.status_code, []))
        if answer.status_code == TOO_LONG:
            return
        try:
            case.validate_response(answer, checks=checks)
        except* schemathesis.errors.Failure as failures:
            told = [f"{type(one).__name__}: {one.message}" for one in failures.exceptions]
            found[-1][1].append(f"{case.as_curl_command()}: {answer.content[:200]!r}: {told}")

    try:
        ask()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE  # where an address is all there is, nothing can be wrong
    return found


def test_every_call_is_refused_without_a_token_and_with_another_method(site):
    document, _ = operations(site)
    wrong = []

    with httpx.Client(base_url=site.url) as client:
        for path, methods in document["paths"].items():
            address = re.sub(
                r"\{(\w+)\}", lambda found: str({"slug": "open", **NAMED}.get(found[1], 1)), path
            )
            address = address.replace(".1", ".csv")
            for method in methods:
                answer = client.request(method, address)
                if (answer.status_code, word(answer)) != (401, "unauthenticated"):
                    wrong.append((method, address, answer.status_code))
            answer = client.request("QUERY", address, headers={"Authorization": f"Bearer {site.token}"})
            allowed = {name.lower() for name in answer.headers.get("Allow", "").split(", ")}
            if (answer.status_code, word(answer)) != (405, "method") or not set(methods) <= allowed:
                wrong.append(("QUERY", address, answer.status_code, allowed))

    assert wrong == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("If-Match", 'W/"x'),
        ("If-None-Match", '"' * 50),
        ("Idempotency-Key", "ü" * 300),
        ("Content-Type", "application/json; charset=nothing"),
        ("Content-Type", "multipart/form-data"),
        ("Accept-Language", "x" * 500),
        ("Range", "bytes=5-1"),
    ],
)
def test_odd_headers_break_nothing(site, name, value):
    headers = {
        "Authorization": f"Bearer {site.token}",
        "Content-Type": "application/json",
        name: value.encode(),
    }

    found = [
        httpx.request(method, f"{site.url}/api/v1/studies/{path}", headers=headers, content=b"{}").status_code
        for method, path in (("GET", "open"), ("POST", "draft/moves/open"), ("PUT", "draft/parts/basics"))
    ]

    assert all(status < 500 for status in found)


def word(answer):
    """The word that a problem's type ends in."""
    if answer.headers["Content-Type"] != "application/problem+json":
        return ""
    return answer.json()["type"].partition("#")[2]


def test_of_requests_with_one_key_that_come_at_once_one_is_done(site):
    def press(_):
        headers = {"Authorization": f"Bearer {site.token}", "Idempotency-Key": "press-1"}
        return httpx.post(f"{site.url}/api/v1/studies/pressed-twice/moves/open", headers=headers)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(press, range(4)))

    assert {(answer.status_code, answer.content) for answer in answers} == {(200, answers[0].content)}
    assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == 3


STUDY = """\
evenhand: 1
study: from-a-program
title: Which text is better?
instructions: Read both texts and say which one is better.
consent: I agree to take part.
overlap: 1
quota: 4
criteria:
  - name: overall
    question: Which response is better?
    primary: true
arms:
  - name: old
    checkpoint: given:old
    baseline: true
  - name: new
    checkpoint: given:new
prompts:
"""


def test_the_example_of_the_manual_goes_from_a_file_to_a_report(site, tmp_path):
    example = re.search(
        r"```python\n(.*?)```", (ROOT / "docs" / "api.md").read_text(encoding="utf-8"), re.DOTALL
    )
    places = [(prompt, arm) for prompt in ("p1", "p2", "p3", "p4") for arm in ("old", "new")]
    rows = [json.dumps({"prompt": p, "arm": arm, "text": f"{arm} says {p}."}) for p, arm in places]
    prompts = "".join(f"  - id: p{n}\n    user: Say something, {n}.\n" for n in range(1, 5))
    (tmp_path / "study.yaml").write_text(STUDY + prompts)
    (tmp_path / "completions.jsonl").write_text("\n".join(rows))
    (tmp_path / "program.py").write_text(example[1])

    with subprocess.Popen(
        [sys.executable, "program.py"],
        cwd=tmp_path,
        env={"EVENHAND_URL": site.url, "EVENHAND_TOKEN": site.token, "PATH": ""},
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        said = program.stdout.readline()
        site.manage("study", "simulate", "from-a-program", "--annotators", "1")
        # What a worker would do, once the program has closed the study.
        while json.loads(site.manage("study", "status", "from-a-program", "--json"))["status"] != "closed":
            assert program.poll() is None
        site.manage("study", "report", "from-a-program", "--out", str(tmp_path / "own.html"))
        assert program.wait(60) == 0

    assert said.startswith(f"send annotators to {site.url}/s/")
    assert (tmp_path / "report.html").read_bytes() == (tmp_path / "own.html").read_bytes()
    assert b"SIMULATED" in (tmp_path / "report.html").read_bytes()
