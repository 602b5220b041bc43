"""What the verbs of `manage.py study` share."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.management.base import OutputWrapper

from studies.domain.errors import StudyError
from studies.domain.lifecycle import settle
from studies.models import Study

ACTOR = "command line"
Options = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Verb:
    """One sub-command."""

    name: str
    help: str
    run: Callable[[OutputWrapper, Options], None]
    arguments: Callable[[ArgumentParser], object]


def slug(parser: ArgumentParser) -> None:
    """Ask for the study's short name."""
    parser.add_argument("slug", metavar="SLUG", help="the study's short name")


def find(options: Options) -> Study:
    """Return the study that was named, as it is now."""
    study = Study.objects.filter(slug=options["slug"]).first()
    if study is None:
        known = ", ".join(Study.objects.order_by("slug").values_list("slug", flat=True)) or "none yet"
        raise StudyError(f"There is no study “{options['slug']}”. Studies: {known}.")
    return settle(study)
