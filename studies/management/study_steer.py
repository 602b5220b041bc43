"""Verbs that deviate from a frozen plan: extend, add prompts, unblind."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import OutputWrapper

from studies.domain.early_unblinding import unblind_early
from studies.domain.extending import extend_study
from studies.files.adding import add_given
from studies.files.nodes import read_bytes
from studies.files.pasted import uploaded
from studies.management.study_base import ACTOR, Options, Verb, find, slug


def _reason(parser: ArgumentParser) -> None:
    slug(parser)
    parser.add_argument("--reason", required=True, help="the log and the report quote it")


def _extend_arguments(parser: ArgumentParser) -> None:
    _reason(parser)
    parser.add_argument("--overlap", type=int, required=True, metavar="K", help="judgments each, in all")


def _extend(out: OutputWrapper, options: Options) -> None:
    study = extend_study(
        study=find(options), overlap=options["overlap"], reason=options["reason"], actor=ACTOR
    )
    out.write(f"{study.slug}: each comparison is judged {study.judgments_each} times in all")


def _add_arguments(parser: ArgumentParser) -> None:
    _reason(parser)
    parser.add_argument("file", type=Path, metavar="FILE", help="prompts as CSV or JSON Lines")


def _add(out: OutputWrapper, options: Options) -> None:
    file: Path = options["file"]
    rows = uploaded(read_bytes(file), name=file.name)
    study = add_given(find(options), [row for _, row in rows], reason=options["reason"], actor=ACTOR)
    out.write(f"{study.slug}: {len(rows)} prompts added; workers write their completions first")


def _unblind_arguments(parser: ArgumentParser) -> None:
    _reason(parser)
    parser.add_argument("--confirm", default="", metavar="SLUG", help="the study's name once more")


def _unblind(out: OutputWrapper, options: Options) -> None:
    study = unblind_early(
        study=find(options), reason=options["reason"], confirmed=options["confirm"], actor=ACTOR
    )
    out.write(f"{study.slug}: unblinded early; the log has it and the report will say it")


VERBS = (
    Verb("extend", "have each comparison judged more often than planned", _extend, _extend_arguments),
    Verb("add-prompts", "add prompts to an open study, saying why", _add, _add_arguments),
    Verb("unblind", "see before closing which arm wrote what, saying why", _unblind, _unblind_arguments),
)
