"""`manage.py study`: everything that can be done to a study, without a browser."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError, CommandParser

from config.commands import DatabaseCommand
from studies.domain.errors import StudyError
from studies.management import (
    study_collect,
    study_design,
    study_files,
    study_pairs,
    study_presets,
    study_steer,
    study_try,
)
from studies.management.study_base import Verb

_VERBS = (
    *study_design.VERBS,
    *study_presets.VERBS,
    *study_pairs.VERBS,
    *study_collect.VERBS,
    *study_files.VERBS,
    *study_steer.VERBS,
    *study_try.VERBS,
)


class Command(DatabaseCommand):
    help = "List, import, open, watch, close and report studies."

    def add_arguments(self, parser: CommandParser) -> None:
        """Give each verb a parser of its own."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        for verb in _VERBS:
            self._add(verbs.add_parser, verb)

    def _add(self, add_parser: Callable[..., ArgumentParser], verb: Verb) -> None:
        parser = add_parser(verb.name, help=verb.help, description=verb.help)
        verb.arguments(parser)
        parser.set_defaults(run=verb.run)

    def handle(self, *_: Any, **options: Any) -> None:
        """Run the verb; what a person did wrong is one line."""
        try:
            options["run"](self.stdout, options)
        except (StudyError, OSError) as error:
            raise CommandError(" ".join(str(error).split())) from error
