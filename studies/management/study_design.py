"""Verbs before the first judgment: list, import, export, generate."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path

from django.core.management.base import OutputWrapper

from generation.models import Completion
from studies.domain import generating, lifecycle
from studies.files.completions import CompletionsError, import_completions
from studies.files.importer import import_path
from studies.files.writer import export_study
from studies.management.study_base import ACTOR, Options, Verb, find, slug
from studies.models import Study


def _list(out: OutputWrapper, _: Options) -> None:
    studies = [lifecycle.settle(study) for study in Study.objects.order_by("slug")]
    width = max((len(study.slug) for study in studies), default=0)
    for study in studies:
        mark = "  SIMULATED" if study.simulated else ""
        out.write(f"{study.slug:{width}}  {study.status:10}  {study.title}{mark}")
    if not studies:
        out.write("No studies yet. Import one: manage.py study import FILE")


def _file(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="a study file (docs/study-file.md)")


def _import(out: OutputWrapper, options: Options) -> None:
    study = import_path(options["file"], actor=ACTOR)
    out.write(
        f"imported: {study.slug} ({study.prompts.count()} prompts, {study.arms.count()} arms, "
        f"{study.criteria.count()} criteria)"
    )


def _completions_arguments(parser: ArgumentParser) -> None:
    slug(parser)
    parser.add_argument("file", metavar="FILE", type=Path, help="completions as .jsonl or .csv")


def _completions(out: OutputWrapper, options: Options) -> None:
    study = find(options)
    try:
        number = import_completions(study, options["file"], actor=ACTOR)
    except CompletionsError as error:
        # The error is one line with the first few; here are all that are to be mended.
        for line, problem in error.wrong:
            out.write(f"line {line}: {problem}")
        raise
    left = lifecycle.missing_completions(study)
    out.write(f"imported: {number} completions into {study.slug}; {left} are still missing")


def _export_arguments(parser: ArgumentParser) -> None:
    slug(parser)
    parser.add_argument("--out", metavar="FILE", type=Path, help="write here instead of standard output")


def _export(out: OutputWrapper, options: Options) -> None:
    text = export_study(find(options))
    if options["out"] is None:
        out.write(text, ending="")
    else:
        options["out"].write_bytes(text.encode())
        out.write(f"written: {options['out']}")


def _generate(out: OutputWrapper, options: Options) -> None:
    study = lifecycle.start_generation(study=find(options), actor=ACTOR)
    out.write(
        f"generating: {study.slug}. The workers write {lifecycle.missing_completions(study)} completions; "
        f"“manage.py generate {study.slug}” does it here and now."
    )


def _mover(verb: Callable[..., Study], said: str) -> Callable[[OutputWrapper, Options], None]:
    def run(out: OutputWrapper, options: Options) -> None:
        study = verb(study=find(options), actor=ACTOR)
        out.write(f"{study.slug}: {said}")

    return run


def _cancel_arguments(parser: ArgumentParser) -> None:
    slug(parser)
    finished = parser.add_mutually_exclusive_group(required=True)
    finished.add_argument("--keep", action="store_true", help="keep the completions that are finished")
    finished.add_argument("--drop", action="store_true", help="delete them; imported ones stay")


def _cancel(out: OutputWrapper, options: Options) -> None:
    study = generating.cancel_generation(study=find(options), actor=ACTOR, keep_finished=options["keep"])
    left = Completion.objects.filter(batch_key=study.key).count()
    out.write(f"{study.slug}: a draft again, with {left} completions")


VERBS = (
    Verb("list", "list the studies", _list, lambda _: None),
    Verb("import", "read a study file: a new draft, or the draft of that name anew", _import, _file),
    Verb("export", "write the study file of a study", _export, _export_arguments),
    Verb(
        "import-completions",
        "take completions that were written elsewhere",
        _completions,
        _completions_arguments,
    ),
    Verb("generate", "ask the workers for the completions of a draft", _generate, slug),
    Verb(
        "pause-generation",
        "let the workers put a study's completions aside",
        _mover(generating.pause_generation, "generation paused"),
        slug,
    ),
    Verb(
        "resume-generation",
        "let the workers go on with them",
        _mover(generating.resume_generation, "generation goes on"),
        slug,
    ),
    Verb("cancel-generation", "make a generating study a draft again", _cancel, _cancel_arguments),
    Verb(
        "retry-generation",
        "ask again for the completions that failed",
        _mover(generating.retry_generation, "the failed completions are asked for again"),
        slug,
    ),
)
