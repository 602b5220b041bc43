"""What the domain says to annotators is said in their language."""

import ast
import gettext
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation

from studies.domain.errors import StudyError
from studies.domain.participation import join
from tests.factories import ready_study

ROOT = Path(settings.BASE_DIR)
DOMAIN = ROOT / "studies" / "domain"
SPOKEN = ("assignment", "judging", "participation", "own_rows", "free_rows", "locks", "audit")
"""The modules whose verbs the annotators' pages call."""


def calls(name: str) -> list[ast.Call]:
    """Return where a module makes a `StudyError`."""
    tree = ast.parse((DOMAIN / f"{name}.py").read_text())
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [node for node in found if getattr(node.func, "id", "") == "StudyError"]


def said(name: str) -> list[str | None]:
    """Return the texts that a module's errors are made of; None for one that is not translated."""
    tree = ast.parse((DOMAIN / f"{name}.py").read_text())
    texts = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "message":
            texts.setdefault(node.end_lineno, node.value)
    return [_text(texts[max(line for line in texts if line < call.lineno)]) for call in calls(name)]


def _text(value: ast.expr) -> str | None:
    if isinstance(value, ast.BinOp):  # the text % what it names
        value = value.left
    translated = isinstance(value, ast.Call) and getattr(value.func, "id", "") == "_"
    return value.args[0].value if translated else None


def test_the_pages_call_no_verb_of_another_module_that_may_complain():
    called = {
        alias
        for file in (ROOT / "studies" / "views").glob("annotate*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("studies.domain")
        for alias in ((node.module or "").rpartition(".")[2], *(name.name for name in node.names))
    }
    modules = {name for name in called if (DOMAIN / f"{name}.py").exists()}

    silent = {name for name in modules - set(SPOKEN) if not calls(name)}

    # Of `invites` the pages only read where a withdrawn link led.
    assert modules - set(SPOKEN) - silent == {"invites"}


@pytest.mark.parametrize("name", SPOKEN)
def test_every_error_an_annotator_may_see_has_its_german(name):
    with (ROOT / "locale/de/LC_MESSAGES/django.mo").open("rb") as file:
        german = gettext.GNUTranslations(file)

    english = said(name)

    assert None not in english
    assert [text for text in english if german.gettext(text) == text] == []


def test_there_are_errors_to_be_translated():
    assert sum(len(said(name)) for name in SPOKEN) >= 7


@pytest.mark.django_db
def test_an_error_is_said_in_the_language_of_the_request():
    with translation.override("de"), pytest.raises(StudyError, match="niemand Neues"):
        join(study=ready_study(prompts=1), token="t")
