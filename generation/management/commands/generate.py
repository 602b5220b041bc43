"""`manage.py generate SLUG`: write a study's completions here and now, without a broker."""

from __future__ import annotations

import os
import socket
import time
import uuid
from collections import Counter
from typing import Any

from django.apps import apps
from django.core.management.base import CommandError, CommandParser
from django.db.models import QuerySet
from tqdm import tqdm

from config.commands import DatabaseCommand
from generation import calling, holding, preparing, presence, requests, runs, verification
from generation.models import Checkpoint, Completion

Status = Completion.Status
_FOREVER = 10**9
_LOOK_SECONDS = 2


class Command(DatabaseCommand):
    """Write a study's pending completions in this process, with a progress bar."""

    help = "Write a study's pending completions in this process, with a progress bar."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the study's short name."""
        parser.add_argument("slug", help="the study's short name")
        parser.add_argument("--retry-failed", action="store_true", help="try failed completions anew")
        parser.add_argument(
            "--verify",
            action="store_true",
            help="write finished completions again and compare; store nothing",
        )
        parser.add_argument(
            "--sample", type=int, metavar="N", help="with --verify: this many, drawn at random"
        )
        parser.add_argument("--seed", type=int, default=0, help="of the sample (default 0)")

    def handle(self, *_: Any, slug: str, retry_failed: bool, **options: Any) -> None:
        """Run until nothing of the study is pending; Ctrl-C gives back what was begun."""
        batch_key = self._batch_key(slug)
        if options["verify"]:
            self._verify(batch_key, size=options["sample"], seed=options["seed"])
            return
        if retry_failed:
            requests.retry_failed(batch_key)
        if holding.is_held(batch_key):
            message = f"The generation of “{slug}” is paused: `manage.py study resume-generation {slug}`."
            raise CommandError(message)
        batch = Completion.objects.filter(batch_key=batch_key)
        left = batch.filter(status__in=(Status.PENDING, Status.CLAIMED))
        checkpoints = list(Checkpoint.objects.filter(completions__in=left).distinct())
        done = batch.filter(status=Status.DONE).count()
        with tqdm(total=batch.count(), initial=done, unit="completion", desc=slug, disable=None) as bar:
            try:
                for checkpoint in checkpoints:
                    self._write(checkpoint, batch_key, bar)
            except KeyboardInterrupt:
                message = "Stopped. What is done is kept; run the command again to go on."
                raise CommandError(message, returncode=130) from None
        self._summarise(batch)

    def _batch_key(self, slug: str) -> uuid.UUID:
        # By name: generation must not import studies.
        study = apps.get_model("studies", "Study").objects.filter(slug=slug).first()
        if study is None:
            message = f"There is no study “{slug}”: `manage.py study list` names them."
            raise CommandError(message)
        key: uuid.UUID = study.key
        if not Completion.objects.filter(batch_key=key).exists():
            advice = f"run `manage.py study generate {slug}` first"
            message = f"“{slug}” ({study.status}) has no completions to write: {advice}."
            raise CommandError(message)
        return key

    def _write(self, checkpoint: Checkpoint, batch_key: uuid.UUID, bar: Any) -> None:
        """Write one checkpoint's share; what other workers hold is left to them."""
        needle = _Needle(batch_key, bar)
        bar.set_description_str(checkpoint.name)
        try:
            if checkpoint.endpoint:
                calling.write(checkpoint, seconds=_FOREVER, batch_key=batch_key, check=needle)
                return
            engine = preparing.ready_engine(checkpoint, say=bar.set_description_str)
        except preparing.NotReadyError as error:
            raise CommandError(str(error)) from error
        bar.set_description_str(checkpoint.name)
        desk = presence.Desk(f"command@{socket.gethostname()}:{os.getpid()}")
        desk.say(presence.State.READING, checkpoint=checkpoint.name, device=preparing.device_name(engine))
        try:
            runs.run(checkpoint, engine, seconds=_FOREVER, batch_key=batch_key, check=needle, tell=desk.write)
        finally:
            desk.leave()

    def _verify(self, batch_key: uuid.UUID, *, size: int | None, seed: int) -> None:
        """Compare finished completions with themselves written again; end with 1 if any differs."""
        finished = self._repeatable(batch_key)
        chosen = verification.sample(finished, size, seed=seed)
        if not chosen and Completion.objects.filter(batch_key=batch_key, status=Status.DONE).exists():
            return
        if not chosen:
            message = "There is no finished completion to verify."
            raise CommandError(message)
        differing = 0
        with tqdm(total=len(chosen), unit="completion", desc="verifying", disable=None) as bar:
            for checkpoint in {completion.checkpoint for completion in chosen}:
                try:
                    engine = preparing.ready_engine(checkpoint, say=bar.set_description_str)
                except preparing.NotReadyError as error:
                    raise CommandError(str(error)) from error
                of_it = [completion for completion in chosen if completion.checkpoint == checkpoint]
                for verdict in verification.verify(of_it, engine):
                    bar.update()
                    differing += not verdict.same
                    self._tell(verdict)
        self.stdout.write(f"{len(chosen) - differing} of {len(chosen)} came out token for token the same")
        if differing:
            message = f"{differing} of {len(chosen)} came out differently"
            raise CommandError(message)

    def _repeatable(self, batch_key: uuid.UUID) -> list[Completion]:
        """Return the finished completions that can be written again, and say which others there are."""
        finished = Completion.objects.filter(batch_key=batch_key, status=Status.DONE).order_by("pk")
        written = list(finished.select_related("checkpoint"))
        others = Counter(one.checkpoint.name for one in written if not one.checkpoint.repeatable)
        for name, number in sorted(others.items()):
            self.stdout.write(f"{number} by {name} cannot be written again here, so they are not verified")
        return [one for one in written if one.checkpoint.repeatable]

    def _tell(self, verdict: verification.Verdict) -> None:
        if verdict.same:
            return
        noise = verdict.completion.request["noise"]
        place = verdict.failure or f"token {verdict.differs_at}"
        because = f" ({'; '.join(verdict.changed)})" if verdict.changed else ""
        name = f"{noise['prompt']} / {noise['stream']} / {noise['replicate']}"
        self.stdout.write(f"{name} differs: {place}{because}")

    def _summarise(self, batch: QuerySet[Completion]) -> None:
        done, failed = (batch.filter(status=status).count() for status in (Status.DONE, Status.FAILED))
        left = batch.exclude(status__in=(Status.DONE, Status.FAILED)).count()
        self.stdout.write(f"done {done}, failed {failed}, with other workers {left}")
        if failed:
            error = batch.filter(status=Status.FAILED).values_list("error", flat=True).first()
            message = f"{failed} failed, for instance: {error}"
            raise CommandError(message)


class _Needle:
    """Moves the bar: called after every step, it looks into the database now and then."""

    def __init__(self, batch_key: uuid.UUID, bar: Any) -> None:
        self._batch_key = batch_key
        self._bar = bar
        self._due = 0.0

    def __call__(self) -> None:
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + _LOOK_SECONDS
        far = requests.progress(self._batch_key)
        self._bar.n = far.done
        left = "" if far.seconds_left is None else f"about {far.seconds_left:.0f} s left"
        self._bar.set_postfix_str(left)
