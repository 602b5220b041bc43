"""The verb that tries the arms on a few prompts."""

from __future__ import annotations

import time
from argparse import ArgumentParser

from django.core.management.base import OutputWrapper

from studies.domain.errors import StudyError
from studies.domain.trial import drawn_prompts, first_prompts, start_trial, usual_arms
from studies.management.study_base import ACTOR, Options, Verb, find, slug
from studies.queries.trial import Trial, Tried, trial_of

_LOOK_SECONDS = 0.5
_HELP = "Completions are written by a worker: “make run” starts the site with one, “make worker” one alone."


def _arguments(parser: ArgumentParser) -> None:
    slug(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--prompt", action="append", default=[], metavar="NAME", help="may be repeated; default: first three"
    )
    which.add_argument("--random", action="store_true", help="three prompts drawn at random")
    parser.add_argument(
        "--arm", action="append", default=[], metavar="NAME", help="default: baseline and first candidate"
    )
    parser.add_argument(
        "--wait", type=float, default=600, metavar="SECONDS", help="for a worker (default %(default)s)"
    )


def _try(out: OutputWrapper, options: Options) -> None:
    study = find(options)
    prompts = drawn_prompts(study) if options["random"] else options["prompt"] or first_prompts(study)
    start_trial(study=study, prompts=prompts, arms=options["arm"] or usual_arms(study), actor=ACTOR)
    ends = time.monotonic() + options["wait"]
    while (trial := trial_of(study)) and trial.progress.left and time.monotonic() < ends:
        time.sleep(_LOOK_SECONDS)
    if trial is None:
        raise StudyError("Somebody deleted the trial meanwhile.")
    _tell(out, trial)
    if trial.progress.left:
        why = trial.progress.stage if trial.progress.worker_seen else f"No worker has been seen. {_HELP}"
        raise StudyError(f"{trial.progress.left} texts are not written yet. {why}")


def _tell(out: OutputWrapper, trial: Trial) -> None:
    for one in trial.prompts:
        out.write(f"\n=== {one.prompt.name} ===")
        for turn in one.prompt.turns:
            out.write(f"{turn.role}: {turn.content}")
        for tried in one.tried:
            out.write(f"\n--- {tried.arm.name}{_cost(tried)} ---\n{_text(tried)}")


def _text(tried: Tried) -> str:
    if tried.completion.status == tried.completion.Status.DONE:
        return tried.completion.text or "(empty)"
    return tried.completion.error or "(not written yet)"


def _cost(tried: Tried) -> str:
    done = tried.completion
    return f" ({done.token_count} tokens, {done.seconds:.1f} s)" if done.token_count else ""


VERBS = (Verb("try", "write a few prompts by the arms and show them, before opening", _try, _arguments),)
