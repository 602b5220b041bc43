"""Analyse any judgments file, without a database."""

from __future__ import annotations

import json
import re
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from studies.analysis.as_json import analysis_as_dict
from studies.analysis.as_text import analysis_as_text
from studies.analysis.csv_table import JudgmentsFileError
from studies.analysis.interim import SPENDING
from studies.analysis.judgments_file import read_judgments
from studies.analysis.looks import LookPlan
from studies.analysis.plan import (
    ANYTIME_VALID,
    GROUP_SEQUENTIAL,
    HOLM,
    MULTIPLICITY,
    NO_LOOKS,
    NO_SUBGROUPS,
    STRATUM,
    Interim,
)
from studies.analysis.settings import AUTO, MODELS, AnalysisError, Settings
from studies.analysis.summary import analyze
from studies.analysis.winrate import HALF, TIE_RULES


class Command(BaseCommand):
    """Read, analyse, print."""

    help = "Analyse a judgments file (CSV): win rate with clustered interval, per criterion."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the contract's options."""
        parser.add_argument("file", metavar="FILE", help="judgments file, as `study judgments` writes it")
        parser.add_argument("--criterion", help="the primary criterion (default: the first in the file)")
        parser.add_argument("--alpha", default="0.05", help="intervals cover 1 - ALPHA (default 0.05)")
        parser.add_argument(
            "--ties", choices=TIE_RULES, default=HALF, help="count ties half, or drop them (default half)"
        )
        parser.add_argument(
            "--margin", help="test non-inferiority and equivalence within MARGIN, 0.05 for 5 points"
        )
        parser.add_argument(
            "--draws", help="bootstrap draws (default 1000; none for more than 200,000 judgments)"
        )
        parser.add_argument(
            "--model",
            choices=MODELS,
            default=AUTO,
            help="also fit the mixed model and the adjustment for length: where quick, never, always",
        )
        parser.add_argument(
            "--multiplicity",
            choices=MULTIPLICITY,
            default=HOLM,
            help="correct all tests together, or test criteria in the file's order (default holm)",
        )
        parser.add_argument(
            "--subgroups", choices=(NO_SUBGROUPS, STRATUM), default=NO_SUBGROUPS, help="explore the strata"
        )
        parser.add_argument(
            "--interim",
            choices=(NO_LOOKS, GROUP_SEQUENTIAL, ANYTIME_VALID),
            default=NO_LOOKS,
            help="the rule by which the data were looked at before the end (default none)",
        )
        parser.add_argument(
            "--spending", choices=tuple(SPENDING), default="obrien_fleming", help="of group_sequential"
        )
        parser.add_argument(
            "--look", action="append", default=[], metavar="TIME", help="when a look was taken, ISO 8601"
        )
        parser.add_argument(
            "--planned", metavar="N", help="judgments of the primary criterion that were planned"
        )
        parser.add_argument("--seed", default="0", help="of the resampling (default 0)")
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the analysis, or end with one line that says what is wrong."""
        seed = int(_number("--seed", options["seed"], r"[0-9]{1,18}", "a whole number"))
        alpha = float(_number("--alpha", options["alpha"], r"[0-9]*[.]?[0-9]+", "a number such as 0.05"))
        settings = Settings(
            alpha=alpha,
            ties=options["ties"],
            criterion=options["criterion"],
            seed=seed,
            margin=_margin(options["margin"]),
            model=options["model"],
            draws=_draws(options["draws"]),
            multiplicity=options["multiplicity"],
            subgroups=options["subgroups"],
            looks=_looks(options),
        )
        try:
            analysis = analyze(read_judgments(Path(options["file"])), settings)
        except JudgmentsFileError as error:
            message = f"{options['file']}: {error}"
            raise CommandError(message) from None
        except OSError as error:
            message = f"{options['file']}: {error.strerror or error}"
            raise CommandError(message) from None
        except AnalysisError as error:
            raise CommandError(str(error)) from None
        if options["json"]:
            self.stdout.write(json.dumps(analysis_as_dict(analysis), indent=2, allow_nan=False))
        else:
            self.stdout.write(analysis_as_text(analysis), ending="")


def _margin(given: Any) -> float | None:
    if given is None:
        return None
    return float(_number("--margin", given, r"[0-9]*[.]?[0-9]+", "a share such as 0.05, for 5 points"))


def _looks(options: dict[str, Any]) -> LookPlan | None:
    if options["interim"] == NO_LOOKS:
        return None
    moments = []
    for given in options["look"]:
        try:
            moment = datetime.fromisoformat(given)
        except ValueError:
            message = f"--look is {given!r}; it must be a time such as 2026-05-04T12:00:00Z"
            raise CommandError(message) from None
        moments.append((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    planned = options["planned"]
    number = None if planned is None else int(_number("--planned", planned, r"[0-9]{1,9}", "a whole number"))
    return LookPlan(Interim(options["interim"], None, options["spending"]), tuple(moments), number)


def _draws(given: Any) -> int | None:
    return None if given is None else int(_number("--draws", given, r"[0-9]{1,6}", "a whole number"))


def _number(option: str, given: Any, form: str, wanted: str) -> str:
    """Return an option's text when it looks like a number; argparse would end with status 2."""
    text = str(given)
    if not re.fullmatch(form, text):
        message = f"{option} is {text!r}; it must be {wanted}"
        raise CommandError(message)
    return text
