"""`manage.py benchmark [CHECKPOINT]`: tasks of the lm-eval harness at several guidance scales."""

from __future__ import annotations

import json
from argparse import ArgumentTypeError
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from generation import harness, preparing, requests
from generation.spec import Negative, SpecError

if TYPE_CHECKING:
    from generation.engine import Loaded
    from generation.harness.curve import Found

_HEAD = ("task", "metric", "gamma", "value", "s.e.", "gain", "s.e.", "n")


class Command(BaseCommand):
    """Run benchmark tasks with guidance and print what they find against the guidance scale."""

    help = (
        "Run tasks of EleutherAI's lm-eval harness (an optional extra) with guided scoring, and print what "
        "they find against the guidance scale. Without --tasks: the last-word task, which needs no network."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take a checkpoint, tasks and scales."""
        parser.add_argument(
            "checkpoint",
            nargs="?",
            default="smollm2-135m-instruct",
            help="a checkpoint's name or source, as in study files (default %(default)s)",
        )
        parser.add_argument("--tasks", type=_words, help="the harness's tasks, separated by commas")
        parser.add_argument(
            "--gammas", type=_scales, default=[1.0, 1.25, 1.5, 2.0, 3.0], help="separated by commas"
        )
        parser.add_argument(
            "--negative",
            choices=[kind.value for kind in Negative if kind is not Negative.NONE],
            default=Negative.LAST_TOKEN.value,
            help="the unconditional context (default %(default)s, the paper's)",
        )
        parser.add_argument("--negative-text", default="", help="with --negative text")
        parser.add_argument("--limit", type=int, metavar="N", help="only the first N documents of each task")
        parser.add_argument("--chat", action="store_true", help="put prompts into the chat template")
        parser.add_argument("--system", metavar="TEXT", help="a system prompt before every prompt")
        parser.add_argument("--rows", type=int, default=32, help="rows read together (default %(default)s)")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *_: Any, checkpoint: str, **options: Any) -> None:
        """Prepare the checkpoint, run the tasks, print."""
        if advice := harness.missing():
            raise CommandError(advice)
        harness.keep_caches_in(settings.DATA_DIR / "benchmarks")
        from generation.harness.adapter import HarnessError  # noqa: PLC0415 - loads torch and the harness
        from generation.harness.curve import curve  # noqa: PLC0415 - the same
        from generation.harness.last_word import NAME  # noqa: PLC0415 - the same

        loaded = self._loaded(checkpoint)
        try:
            found = curve(
                loaded,
                options["tasks"] or [NAME],
                scales=options["gammas"],
                negative=Negative(options["negative"]),
                negative_text=options["negative_text"],
                rows=options["rows"],
                limit=options["limit"],
                apply_chat_template=options["chat"],
                system_instruction=options["system"],
            )
        except (HarnessError, SpecError, ValueError) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(_document(loaded, options, found), indent=1))
        else:
            self._table(found)

    def _loaded(self, name: str) -> Loaded:
        try:
            row = requests.ensure_checkpoint(name)
            if not row.repeatable:
                raise CommandError(
                    f"{name} is not held here: take a checkpoint whose weights a worker loads."
                )
            return preparing.ready_engine(row, say=self.stderr.write).loaded
        except (ValueError, preparing.NotReadyError) as error:
            raise CommandError(str(error)) from error

    def _table(self, found: list[Found]) -> None:
        rows = [_HEAD, *map(_cells, found)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
        for row in rows:
            cells = [
                cell.ljust(width) if column < 2 else cell.rjust(width)  # noqa: PLR2004 - names, then figures
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            self.stdout.write("  ".join(cells).rstrip())
        self.stdout.write("gain: against the first gamma, document by document")


def _cells(found: Found) -> tuple[str, ...]:
    figures = (found.value, found.stderr, found.gain, found.gain_stderr)
    texts = ["" if figure is None else f"{figure:.4f}" for figure in figures]
    return (found.task, found.metric, f"{found.scale:g}", *texts, str(found.documents))


def _document(loaded: Loaded, options: dict[str, Any], found: list[Found]) -> dict[str, Any]:
    return {
        "checkpoint": loaded.name,
        "weight_hash": loaded.prepared.weight_hash,
        "dtype": str(loaded.dtype).removeprefix("torch."),
        "device": loaded.device.type,
        "negative": options["negative"],
        "negative_text": options["negative_text"],
        "limit": options["limit"],
        "found": [asdict(one) for one in found],
    }


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _scales(text: str) -> list[float]:
    try:
        return [float(word) for word in _words(text)]
    except ValueError:
        raise ArgumentTypeError(f"{text!r} are no numbers separated by commas") from None
