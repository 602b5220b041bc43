"""Every mistake in a study file gets one line with file, line and field."""

import re

import pytest

from studies.domain.errors import StudyError
from studies.files.errors import StudyFileError
from studies.files.reader import read_study

GOOD = """\
evenhand: 1
study: sea-talk
title: Which text is better?
instructions: Read both.
consent: You may stop.
criteria:
  - name: overall
    question: Which is better?
    primary: true
  - name: tone
    question: Which keeps the tone?
arms:
  - name: standard
    baseline: true
    checkpoint: smollm2-135m-instruct
  - name: guided
    checkpoint: smollm2-135m-instruct
    guidance_scale: 1.5
    negative: default_system
prompts:
  - id: ocean
    system: Talk like a pirate.
    user: Tell me about the ocean.
  - id: bread
    user: How is bread made?
"""


def read(text, **kwargs):
    data = text if isinstance(text, bytes) else text.encode()
    return read_study(data, name="sea.yaml", **kwargs)


def without(line):
    return GOOD.replace(line + "\n", "")


def test_good_file_is_read_with_defaults():
    entry = read(GOOD)

    assert (entry.study, entry.overlap, entry.ties, entry.draws) == ("sea-talk", 2, "half", "independent")
    assert [prompt.conversation() for prompt in entry.prompts] == [
        [
            {"role": "system", "content": "Talk like a pirate."},
            {"role": "user", "content": "Tell me about the ocean."},
        ],
        [{"role": "user", "content": "How is bread made?"}],
    ]


MISTAKES = {
    "unknown key": (GOOD.replace("title:", "titel:"), 3, "titel", "unknown key"),
    "unknown key in an arm": (
        GOOD.replace("    guidance_scale: 1.5", "    gamma: 1.5"),
        18,
        "arms[1].gamma",
        "unknown key",
    ),
    "missing key": (without("consent: You may stop."), 1, "consent", "is missing"),
    "missing prompt": (without("    user: How is bread made?"), 24, "prompts[1]", "the prompt is missing"),
    "no prompts": (GOOD[: GOOD.index("prompts:")] + "prompts: []\n", 20, "prompts", "at least 1 item"),
    "system without user": (
        without("    user: Tell me about the ocean."),
        21,
        "prompts[0].user",
        "no user message",
    ),
    "same prompt twice": (
        GOOD + "  - id: toast\n    user: How is bread made?\n",
        26,
        "prompts[2]",
        "says the same as “bread”",
    ),
    "same id twice": (GOOD.replace("id: bread", "id: ocean"), 24, "prompts[1].id", "is there already"),
    "two primary criteria": (
        GOOD.replace("the tone?\n", "the tone?\n    primary: true\n"),
        12,
        "criteria[1].primary",
        "a second primary criterion",
    ),
    "no primary criterion": (without("    primary: true"), 6, "criteria", "no criterion is primary"),
    "no baseline": (without("    baseline: true"), 11 + 1, "arms", "no arm is the baseline"),
    "two baselines": (
        GOOD.replace("  - name: guided\n", "  - name: guided\n    baseline: true\n"),
        17,
        "arms[1].baseline",
        "a second baseline",
    ),
    "one arm": (
        re.sub(r"  - name: guided\n(    .*\n)+", "", GOOD),
        12,
        "arms",
        "at least 2 items",
    ),
    "arms that decode alike": (
        GOOD.replace("    guidance_scale: 1.5\n    negative: default_system\n", ""),
        16,
        "arms[1]",
        "decodes exactly as “standard” does",
    ),
    "guidance scale that is no number": (
        GOOD.replace("1.5", "strong"),
        18,
        "arms[1].guidance_scale",
        "'strong' is not a number",
    ),
    "guidance scale out of range": (
        GOOD.replace("1.5", "99"),
        18,
        "arms[1].guidance_scale",
        "must lie between 0 and 20",
    ),
    "guidance scale that is not finite": (
        GOOD.replace("1.5", ".nan"),
        18,
        "arms[1].guidance_scale",
        "must lie between",
    ),
    "guidance without a negative": (
        without("    negative: default_system"),
        16,
        "arms[1]",
        "needs a negative",
    ),
    "last token in a conversation": (
        GOOD.replace("default_system", "last_token"),
        21,
        "prompts[0]",
        "only the header of the answer",
    ),
    "unknown scale": (
        GOOD.replace("    primary: true", "    scale: stars\n    primary: true"),
        9,
        "criteria[0].scale",
        "will not do",
    ),
    "number where text belongs": (
        GOOD.replace("Read both.", "12"),
        4,
        "instructions",
        "12 is not text; put it in quotes",
    ),
    "empty text": (GOOD.replace("Read both.", "' '"), 4, "instructions", "must not be empty"),
    "bad short name": (GOOD.replace("sea-talk", "Sea talk"), 2, "study", "is no name"),
    "repeated key": (GOOD.replace("title:", "study: b\ntitle:"), 3, "study", "appears a second time"),
    "not YAML": (GOOD.replace("Read both.", "[Read"), 5, "", "this is not YAML"),
    "anchor": (GOOD.replace("Read both.", "&a Read"), 4, "", "anchors (&) and aliases (*)"),
    "tag": (GOOD.replace("Read both.", "!!python/name:os.system x"), 4, "", "are not used in study files"),
    "too deep": ("a: " + "[" * 40, 1, "", "nested deeper than"),
    "empty file": ("", 1, "", "the file is empty"),
    "a list": ("- 1\n", 1, "", "“key: value”"),
    "not UTF-8": (GOOD.replace("title: W", "title: \xff").encode("latin-1"), 3, "", "is not UTF-8"),
    "half a surrogate pair": (GOOD.replace("Read both.", '"\\ud800"'), 4, "", "not YAML"),
    "more checks than pairs": (
        GOOD.replace("criteria:", "checks: {shuffled: 2, mismatched: 1}\ncriteria:"),
        6,
        "checks",
        "only 2 pairs",
    ),
    "more repeats than half": (GOOD.replace("criteria:", "repeats: 2\ncriteria:"), 6, "repeats", "here 1"),
    "unknown way of making checks": (
        GOOD.replace("criteria:", "checks: {upside_down: 1}\ncriteria:"),
        6,
        "checks.upside_down",
        "unknown key",
    ),
    "answer that is no option": (
        GOOD.replace(
            "criteria:",
            "comprehension:\n  - {question: What counts?, options: [Length, Fit], answer: fit}\ncriteria:",
        ),
        7,
        "comprehension[0].answer",
        "not one of the options",
    ),
    "survey without options": (
        GOOD.replace("criteria:", "survey:\n  - {name: age, question: Age?, kind: single}\ncriteria:"),
        7,
        "survey[0].options",
        "needs options",
    ),
    "scale without ends": (
        GOOD.replace("criteria:", "survey:\n  - {name: age, question: Age?, kind: scale}\ncriteria:"),
        7,
        "survey[0].kind",
        "needs “least” and “most”",
    ),
    "return link without its place for the code": (
        GOOD.replace("criteria:", "recruiting: {done: C1, return_link: 'https://a.example/'}\ncriteria:"),
        6,
        "recruiting.return_link",
        "",
    ),
    "return link that is a script": (
        GOOD.replace("criteria:", "recruiting: {done: C1, return_link: 'javascript:x{code}'}\ncriteria:"),
        6,
        "recruiting.return_link",
        "",
    ),
    "rule that can never be met": (
        GOOD.replace("criteria:", "quality: {failed_checks: 1}\ncriteria:"),
        6,
        "quality.failed_checks",
        "can never be met",
    ),
    "gate without a second criterion": (
        GOOD.replace("  - name: tone\n    question: Which keeps the tone?\n", "").replace(
            "criteria:", "analysis: {multiplicity: gatekeeping}\ncriteria:"
        ),
        6,
        "analysis.multiplicity",
        "needs a second criterion",
    ),
    "subgroups of one stratum": (
        GOOD.replace("criteria:", "analysis: {subgroups: stratum}\ncriteria:"),
        6,
        "analysis.subgroups",
        "two strata or more",
    ),
    "group-sequential looks without their number": (
        GOOD.replace("criteria:", "analysis:\n  interim: {method: group_sequential}\ncriteria:"),
        7,
        "analysis.interim",
        "needs “looks”",
    ),
    "a number of looks for a rule that allows any": (
        GOOD.replace("criteria:", "analysis:\n  interim: {method: anytime_valid, looks: 3}\ncriteria:"),
        7,
        "analysis.interim.looks",
        "group_sequential only",
    ),
    "margin that any result would meet": (
        GOOD.replace("criteria:", "analysis: {margin: 0.5}\ncriteria:"),
        6,
        "analysis.margin",
        "0.5 will not do",
    ),
    "fewer annotators expected than the plan needs": (
        GOOD.replace(
            "criteria:",
            "quota: 1\nanalysis:\n  expected: {win_rate: 0.6, annotators: 3}\ncriteria:",
        ),
        8,
        "analysis.expected.annotators",
        "can give 3 judgments with this quota, but 4 are planned",
    ),
    "a written check without a right answer": (
        GOOD.replace(
            "criteria:", "checks:\n  written:\n    - {prompt: Sum?, better: Four., worse: Four.}\ncriteria:"
        ),
        8,
        "checks.written[0].worse",
        "no answer is right",
    ),
    "differences of Markdown": (
        GOOD.replace("criteria:", "text: markdown\ndifferences: true\ncriteria:"),
        7,
        "differences",
        "plain texts",
    ),
    "a reason that is there twice": (
        GOOD.replace("criteria:", "reasons:\n  options: [Shorter, Shorter]\ncriteria:"),
        7,
        "reasons.options",
        "there twice",
    ),
    "agreement with nobody": (
        GOOD.replace("criteria:", "overlap: 1\nquality: {others_agreement: 0.4}\ncriteria:"),
        7,
        "quality.others_agreement",
        "nobody else judges",
    ),
    "self-agreement without repeats": (
        GOOD.replace("criteria:", "quality: {self_agreement: 0.4}\ncriteria:"),
        6,
        "quality.self_agreement",
        "needs “repeats”",
    ),
    "practice without feedback": (
        GOOD.replace(
            "criteria:", "practice:\n  - {prompt: Be brief., a: Yes., b: Well., better: A}\ncriteria:"
        ),
        7,
        "practice[0].feedback",
        "is missing",
    ),
    "escaped NUL": (GOOD.replace("Read both.", '"a\\0b"'), 4, "instructions", "no database"),
    "prompts in an upload": (
        GOOD[: GOOD.index("prompts:")] + "prompts:\n  file: p.csv\n",
        20,
        "prompts.file",
        "no folder beside it",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_is_named_with_file_line_and_field(mistake):
    text, line, field, problem = MISTAKES[mistake]

    with pytest.raises(StudyFileError) as error:
        read(text)

    assert (error.value.name, error.value.line, error.value.field) == ("sea.yaml", line, field)
    assert problem in error.value.problem
    assert "\n" not in str(error.value)


def test_error_is_written_as_file_line_field_problem():
    with pytest.raises(
        StudyError, match=r"^sea\.yaml, line 18, arms\[1\]\.guidance_scale: 'x' is not a number$"
    ):
        read(GOOD.replace("1.5", "x"))


def test_fifty_megabytes_are_refused_before_they_are_parsed():
    with pytest.raises(StudyFileError, match=r"sea\.yaml: the file has 50 MB; at most 5 MB"):
        read(b"a" * 50 * 2**20)


def test_yaml_bomb_is_refused():
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )

    with pytest.raises(StudyFileError, match="line 1: anchors"):
        read(bomb)


def test_byte_order_mark_is_no_mistake():
    assert read(b"\xef\xbb\xbf" + GOOD.encode()).study == "sea-talk"


HEAD = GOOD[: GOOD.index("prompts:")]


def beside(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    return read(HEAD + f"prompts:\n  file: {name}\n", folder=tmp_path)


def test_prompts_come_from_csv_beside(tmp_path):
    entry = beside(tmp_path, "p.csv", 'id,system,user\nocean,Pirate,"The, ocean"\nbread,,Bread\n')

    assert [(prompt.id, prompt.system, prompt.user) for prompt in entry.prompts] == [
        ("ocean", "Pirate", "The, ocean"),
        ("bread", "", "Bread"),
    ]


def test_prompts_come_from_jsonl_beside(tmp_path):
    entry = beside(
        tmp_path,
        "p.jsonl",
        '{"id": "a", "user": "x"}\n\n{"id": "b", "messages": [{"role": "user", "content": "y"}]}\n',
    )

    assert [prompt.conversation()[-1]["content"] for prompt in entry.prompts] == ["x", "y"]


@pytest.mark.parametrize(
    ("name", "text", "line", "field", "problem"),
    [
        ("p.csv", "id,question\na,b\n", 1, "question", "unknown column"),
        ("p.csv", 'id,user\na,"one\ntwo"\nb\n', 4, "", "not as many cells"),
        ("p.csv", "id,user\na,x\n,y\n", 3, "id", "is missing"),
        ("p.csv", "id,user,family\na,x,riddle\n", 2, "family", "will not do"),
        ("p.csv", "id,user\n", 1, "", "holds no prompt"),
        ("p.jsonl", '{"id": "a", "user": "x"}\n{"id": \n', 2, "", "not JSON"),
        ("p.jsonl", "[1]\n", 1, "", "not a JSON object"),
        ("p.jsonl", '{"id": "a", "user": 3}\n', 1, "user", "is not text"),
    ],
)
def test_mistake_in_a_file_beside_is_named_there(tmp_path, name, text, line, field, problem):
    with pytest.raises(StudyFileError) as error:
        beside(tmp_path, name, text)

    assert (error.value.name, error.value.line, error.value.field) == (name, line, field)
    assert problem in error.value.problem


@pytest.mark.parametrize("name", ["../p.csv", "/etc/passwd.csv", "missing.csv", "p.txt"])
def test_file_beside_must_be_there_and_below(tmp_path, name):
    with pytest.raises(StudyFileError, match=r"sea\.yaml, line 20, prompts\.file"):
        read(HEAD + f"prompts:\n  file: {name}\n", folder=tmp_path)


def test_link_out_of_the_folder_is_refused(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "p.csv").write_text("id,user\na,x\n")
    (tmp_path / "in" / "p.csv").symlink_to(tmp_path / "p.csv")

    with pytest.raises(StudyFileError, match="must lie beside"):
        read(HEAD + "prompts:\n  file: p.csv\n", folder=tmp_path / "in")
