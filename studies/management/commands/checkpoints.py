"""`manage.py checkpoints list|add|convert`: what there is to write completions with."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.template.defaultfilters import filesizeformat

from config.commands import DatabaseCommand
from generation import preparing, requests
from studies.models import Study
from studies.queries import CheckpointRow, checkpoint_rows

_FACTS = ("architecture", "parameters", "size_bytes", "dtype", "context", "chat_template", "system_role")


class Command(DatabaseCommand):
    help = (
        "List the checkpoints, add one, or convert one for this machine. Weights are loaded from safetensors "
        "only (a GGUF file is converted once), and code that a checkpoint brings is never run."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Give each verb a parser of its own."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        listing = verbs.add_parser("list", help="what is there, and which studies use it")
        listing.add_argument("--json", action="store_true", help="print JSON")
        adding = verbs.add_parser("add", help="name a checkpoint, so that study files can use the name")
        adding.add_argument("name", metavar="NAME")
        adding.add_argument(
            "source", metavar="SOURCE", help="package:NAME, path:FOLDER or hub:ORGANISATION/NAME"
        )
        adding.add_argument("--revision", default="", help="a branch, tag or commit of a hub repository")
        converting = verbs.add_parser(
            "convert", help="fetch or convert a checkpoint now, and see that it can be loaded here"
        )
        converting.add_argument("name", metavar="NAME", help="its name or its source")

    def handle(self, *_: Any, verb: str, **options: Any) -> None:
        """Run the verb; what a person did wrong is one line."""
        verbs = {"list": self._list, "add": self._add, "convert": self._convert}
        try:
            verbs[verb](options)
        except (ValueError, RuntimeError, preparing.NotReadyError) as error:
            raise CommandError(" ".join(str(error).split())) from error

    def _list(self, options: dict[str, Any]) -> None:
        rows = checkpoint_rows(Study.objects.all())
        if options["json"]:
            self.stdout.write(json.dumps([_plain(row) for row in rows], indent=1))
            return
        if not rows:
            self.stdout.write("No checkpoint yet: import a study, or run `manage.py checkpoints add`.")
        for row in rows:
            self.stdout.write("\n".join(_lines(row)))

    def _add(self, options: dict[str, Any]) -> None:
        from generation.engine.sources import resolve  # noqa: PLC0415 - the engine loads torch

        resolve(options["source"])
        made = requests.ensure_checkpoint(options["name"], options["source"], options["revision"])
        self.stdout.write(f"{made.name}: {made.source}. `manage.py checkpoints convert` prepares it.")

    def _convert(self, options: dict[str, Any]) -> None:
        checkpoint = requests.ensure_checkpoint(options["name"])
        if not checkpoint.repeatable:
            raise CommandError(f"{checkpoint.name} is not held here, so there is nothing to convert.")
        preparing.ready_engine(checkpoint, say=self.stderr.write)
        checkpoint.refresh_from_db()
        self.stdout.write(f"{checkpoint.name} is ready: weights {checkpoint.weight_hash}")


def _plain(row: CheckpointRow) -> dict[str, Any]:
    """Return plain data for JSON; what is not known is null."""
    checkpoint = row.checkpoint
    return {
        "name": checkpoint.name,
        "source": checkpoint.source,
        "revision": checkpoint.revision,
        "status": checkpoint.status,
        "stage": checkpoint.stage,
        "error": checkpoint.error,
        "weight_hash": checkpoint.weight_hash,
        "licence": checkpoint.facts.get("licence", ""),
        **{name: checkpoint.facts.get(name) for name in _FACTS},
        "studies": [study.slug for study in row.studies],
    }


def _lines(row: CheckpointRow) -> list[str]:
    """Return what a person reads of a checkpoint."""
    checkpoint, facts = row.checkpoint, row.checkpoint.facts
    source = f"{checkpoint.source}@{checkpoint.revision}" if checkpoint.revision else checkpoint.source
    status = checkpoint.get_status_display().lower() if row.held else "not held here"
    lines = [f"{checkpoint.name}: {status}", f"  source   {source}"]
    if facts.get("parameters"):
        size = filesizeformat(facts["size_bytes"]).replace("\N{NO-BREAK SPACE}", " ")
        lines.append(f"  weights  {facts['parameters']:,} parameters, {size} as {facts['dtype']}")
        lines.append(f"  context  {facts.get('context') or 'unknown'}, {_chats(facts)}")
        lines.append(f"  licence  {facts.get('licence') or 'none stated'}")
    if checkpoint.weight_hash:
        lines.append(f"  sha256   {checkpoint.weight_hash}")
    if said := checkpoint.error or checkpoint.stage:
        lines.append(f"  says     {said}")
    lines.append(f"  used by  {', '.join(study.slug for study in row.studies) or 'no study'}")
    return lines


def _chats(facts: dict[str, Any]) -> str:
    if "chat_template" not in facts:
        return "chat template unknown"
    if not facts["chat_template"]:
        return "no chat template"
    return (
        "chat template with a system role" if facts["system_role"] else "chat template without a system role"
    )
