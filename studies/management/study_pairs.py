"""Verbs between the last completion and the first judgment: scan, exclude, include, redraw."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from django.core.management.base import OutputWrapper

from studies import queries
from studies.analysis.text_flags import FLAGS
from studies.domain import leaving_out
from studies.domain.audit import record_event
from studies.domain.errors import StudyError
from studies.management.study_base import ACTOR, Options, Verb, find, slug
from studies.models import Study

_PAGE = 200


def _scan_arguments(parser: ArgumentParser) -> None:
    slug(parser)
    parser.add_argument("--flag", choices=FLAGS, help="list only the pairs with this flag")
    parser.add_argument(
        "--by-arm", action="store_true", help="also say which arm; before closing it is logged"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _scan(out: OutputWrapper, options: Options) -> None:
    study = find(options)
    found = queries.scan(study)
    if options["by_arm"] and not study.unblinded:
        record_event(actor=ACTOR, action="scan.unblinded", study=study)
    arms = [asdict(arm) for arm in found.by_arm.values()] if options["by_arm"] else []
    listed = list(_flagged(study, options["flag"] or "any"))
    if options["json"]:
        by_arm = {"arms": arms} if options["by_arm"] else {}
        out.write(json.dumps({"counts": found.counts, "pairs": listed} | by_arm, ensure_ascii=False))
        return
    for pair in listed:
        out.write(f"{pair['comparison']}  {pair['prompt']}")
        for flag, reasons in pair["flags"].items():
            out.write(f"    {FLAGS[flag]}{': ' if reasons else ''}{'; '.join(reasons)}")
    for arm in arms:
        told = ", ".join(f"{flag} {number}" for flag, number in arm["counts"].items()) or "no flag"
        out.write(f"{arm['arm']}: {arm['flagged']} of {arm['completions']} responses flagged: {told}")
    counts = ", ".join(f"{flag} {number}" for flag, number in found.counts.items() if number)
    out.write(f"{study.slug}: {len(found.pairs)} pairs flagged{': ' if counts else ''}{counts}")


def _flagged(study: Study, flag: str) -> Iterator[dict[str, Any]]:
    """Yield the flagged pairs with their reasons, which name no arm."""
    keys = queries.pair_keys(study, flag=flag)
    for first in range(0, len(keys), _PAGE):
        for pair in queries.pairs_of(study, keys[first : first + _PAGE]):
            reasons: dict[str, list[str]] = {"identical": []} if pair.identical else {}
            for finding in sorted(
                (*queries.text_findings(pair)[0], *queries.text_findings(pair)[1]), key=str
            ):
                reasons.setdefault(finding.flag, []).append(finding.reason)
            yield {"comparison": pair.pk, "prompt": pair.prompt.name, "flags": reasons}


def _chosen_arguments(parser: ArgumentParser) -> None:
    slug(parser)
    some = parser.add_mutually_exclusive_group(required=True)
    some.add_argument(
        "--pair", type=int, action="append", metavar="N", help="a comparison, as `study scan` numbers it"
    )
    some.add_argument(
        "--flagged",
        nargs="?",
        const="any",
        choices=("any", *FLAGS),
        metavar="FLAG",
        help=f"all flagged ones, or those with one flag: {', '.join(FLAGS)}",
    )


def _reasoned_arguments(parser: ArgumentParser) -> None:
    _chosen_arguments(parser)
    parser.add_argument("--reason", default="", metavar="TEXT", help="why; the log keeps it")


def _chosen(study: Study, options: Options) -> list[int]:
    if options["pair"]:
        return list(options["pair"])
    found = queries.pair_keys(study, flag=options["flagged"])
    if not found and not study.frozen:
        raise StudyError(
            f"No pair of “{study.slug}” has that flag; `study scan {study.slug}` lists what there is."
        )
    return found


def _why(options: Options) -> str:
    flag = options["flagged"]
    return options["reason"] or (
        "" if not flag else "Flagged by the quality scan." if flag == "any" else FLAGS[flag]
    )


def _exclude(out: OutputWrapper, options: Options) -> None:
    study = find(options)
    number = leaving_out.leave_out(
        study=study, comparisons=_chosen(study, options), reason=_why(options), actor=ACTOR
    )
    out.write(f"{study.slug}: {number} comparisons left out of the plan")


def _include_arguments(parser: ArgumentParser) -> None:
    slug(parser)
    parser.add_argument(
        "--pair", type=int, action="append", metavar="N", help="a comparison; else all left out"
    )


def _include(out: OutputWrapper, options: Options) -> None:
    study = find(options)
    chosen = options["pair"] or queries.pair_keys(study, flag=queries.LEFT_OUT)
    number = leaving_out.put_back(study=study, comparisons=chosen, actor=ACTOR)
    out.write(f"{study.slug}: {number} comparisons put back into the plan")


def _redraw(out: OutputWrapper, options: Options) -> None:
    study = find(options)
    made = leaving_out.redraw(
        study=study, comparisons=_chosen(study, options), reason=_why(options), actor=ACTOR
    )
    for sentence in made.kept:
        out.write(sentence)
    out.write(
        f"{study.slug}: {made.drawn} completions asked for anew. The workers write them; "
        f"“manage.py generate {study.slug}” does it here and now."
    )


VERBS = (
    Verb("scan", "list what the quality scan flags", _scan, _scan_arguments),
    Verb("exclude", "leave comparisons out of the plan, before it is frozen", _exclude, _reasoned_arguments),
    Verb("include", "put comparisons that were left out back", _include, _include_arguments),
    Verb("redraw", "write completions of comparisons anew with another seed", _redraw, _reasoned_arguments),
)
