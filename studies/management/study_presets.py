"""Verbs of the preset studies: presets, preset."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path

from django.core.management.base import OutputWrapper

from studies.management.study_base import ACTOR, Options, Verb
from studies.presets.catalogue import PRESETS, import_preset, preset_file


def _presets(out: OutputWrapper, _: Options) -> None:
    width = max(map(len, PRESETS))
    for preset in PRESETS.values():
        some = f" ({preset.take} of {preset.whole:,} prompts; --take N or all)" if preset.whole else ""
        out.write(f"{preset.name:{width}}  {preset.purpose}{some}")


def _number(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isdecimal() or not int(text):
        raise ArgumentTypeError(f"“{text}” is neither a number of prompts nor “all”")
    return int(text)


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help=f"one of {', '.join(PRESETS)}")
    parser.add_argument(
        "--take", type=_number, default=0, metavar="N", help="of a crossing of prompts, how many; or all"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="write the study file instead of importing it"
    )


def _preset(out: OutputWrapper, options: Options) -> None:
    name, take = options["name"], options["take"]
    if options["out"] is not None:
        options["out"].write_bytes(preset_file(name, take=take))
        out.write(f"written: {options['out']}")
        return
    study = import_preset(name, actor=ACTOR, take=take)
    out.write(
        f"imported: {study.slug} ({study.prompts.count()} prompts, {study.arms.count()} arms). "
        f"Next: manage.py study generate {study.slug}"
    )


VERBS = (
    Verb("presets", "list the preset studies", _presets, lambda _: None),
    Verb("preset", "import a preset study by name, or write its file", _preset, _arguments),
)
