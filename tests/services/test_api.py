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

from tests.site_kit import ROOT, running_site

pytestmark = pytest.mark.services
EXAMPLES = 5
STATES = ("draft", "ready", "open", "closed")


@pytest.fixture(scope="module")
def site():
    """A site without limits on the API, with a study in each state and a token that may everything."""
    with running_site({"EVENHAND_LIMIT_API": "off", "EVENHAND_LIMIT_TOKENS": "off"}) as running:
        running.token = running.seed("tests.services.api_seed:world")["token"]
        yield running


def test_nothing_that_the_document_admits_breaks_the_site(site):
    document = httpx.get(f"{site.url}/api/v1/openapi.json").json()
    schema = schemathesis.openapi.from_dict(document)
    failed, tried = [], {}

    for found in schema.get_all_operations():
        operation = found.ok()
        for status, told in answers(site, operation):
            tried.setdefault(operation.label, set()).add(status)
            if status >= 500:
                failed.append(told)

    assert failed == []
    assert set(tried) == {
        f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods
    }
    # Something was reached: a third of the operations or more did what they are for.
    assert sum(any(status < 300 for status in found) for found in tried.values()) >= len(tried) / 3


def answers(site, operation):
    """Yield the status of each made-up request, with the request in words."""
    found = []

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), state=st.sampled_from((*STATES, "")))
    def ask(case, state):
        # Made-up names find nothing: most requests go to a study that is there.
        if state and "slug" in case.path_parameters:
            case.path_parameters["slug"] = state
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {site.token}"}
        answer = case.call(base_url=site.url)
        found.append((answer.status_code, f"{case.as_curl_command()}: {answer.content[:200]!r}"))

    ask()
    return found


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
