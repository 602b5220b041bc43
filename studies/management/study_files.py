"""Verbs that take a whole study out, and one in."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path

from django.core.management.base import OutputWrapper

from studies.domain import erasure
from studies.domain.audit import record_event
from studies.domain.errors import StudyError
from studies.exports.carry import carry_in
from studies.exports.package import write_export
from studies.exports.preferences import WRITERS, Form, Ties, Wish, check_wish
from studies.management.study_base import ACTOR, Options, Verb, find, slug
from studies.models import Judgment


def _export_arguments(parser: ArgumentParser) -> None:
    slug(parser)
    parser.add_argument(
        "--out", metavar="FOLDER_OR_ZIP", type=Path, required=True, help="a ZIP if it ends so"
    )
    parser.add_argument(
        "--personal",
        action="store_true",
        help="with recruiting ids and survey answers, in a folder of their own",
    )


def _export_all(out: OutputWrapper, options: Options) -> None:
    study = find(options)
    made = write_export(study, options["out"], actor=ACTOR, personal=options["personal"])
    told = "" if study.unblinded else " (not closed: without what says which arm wrote what)"
    out.write(f"written: {made}{told}")


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1
    if not 0 < share <= 1:
        raise ArgumentTypeError(f"“{text}” is no share: write 0.75, above 0 and at most 1")
    return share


def _pairs_arguments(parser: ArgumentParser) -> None:
    slug(parser)
    parser.add_argument("--out", metavar="FILE", type=Path, required=True, help="ends in .jsonl or .parquet")
    parser.add_argument("--criterion", default="", metavar="NAME", help="default: the primary one")
    parser.add_argument(
        "--share", type=_share, default=0.5, metavar="P", help="that prefer the chosen one, at least"
    )
    parser.add_argument(
        "--least", type=int, default=1, metavar="N", help="judgments of a pair, at least (default 1)"
    )
    parser.add_argument(
        "--ties", type=Ties, choices=list(Ties), default=Ties.AGAINST, help="default %(default)s"
    )
    parser.add_argument(
        "--with-excluded", action="store_true", help="count what is left out of the results, too"
    )
    parser.add_argument("--prompts", type=Form, choices=list(Form), help="of a study that has both kinds")


def _preferences(out: OutputWrapper, options: Options) -> None:
    study = find(options)
    path: Path = options["out"]
    write = WRITERS.get(path.suffix.removeprefix("."))
    if write is None:
        raise StudyError(f"{path.name} has to end in {' or '.join('.' + ending for ending in WRITERS)}.")
    wish = Wish(
        criterion=options["criterion"],
        share=options["share"],
        least=options["least"],
        ties=options["ties"],
        excluded=options["with_excluded"],
        form=options["prompts"],
    )
    check_wish(study, wish)
    record_event(actor=ACTOR, action="file.downloaded", study=study, after={"file": path.name})
    with path.open("wb") as file:
        file.writelines(write(study, wish))
    out.write(f"written: {path}")


def _import_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE.zip", type=Path, help="what “study export-all” wrote")


def _import_all(out: OutputWrapper, options: Options) -> None:
    study = carry_in(options["file"], actor=ACTOR)
    judgments = Judgment.objects.filter(assignment__study=study).count()
    out.write(f"imported: {study.slug}, {study.get_status_display().lower()}, {judgments} judgments")


def _erase_arguments(parser: ArgumentParser) -> None:
    slug(parser)
    parser.add_argument("annotator", metavar="PSEUDONYM")
    parser.add_argument("--confirm", metavar="PSEUDONYM", required=True, help="the pseudonym once more")
    parser.add_argument("--reasons", action="store_true", help="also what they wrote in their own words")


def _erase(out: OutputWrapper, options: Options) -> None:
    study = find(options)
    annotator = study.annotators.filter(pseudonym=options["annotator"]).first()
    if annotator is None:
        raise StudyError(f"“{study.slug}” has no annotator “{options['annotator']}”.")
    erasure.typed(annotator, options["confirm"])
    erasure.erase_annotator(annotator=annotator, actor=ACTOR, reasons=options["reasons"])
    out.write(f"{study.slug}: erased of {annotator.pseudonym}: {', '.join(erasure.PERSONAL)}")


def _retention(out: OutputWrapper, _: Options) -> None:
    erased = erasure.keep_retention(actor=ACTOR)
    for name, number in erased.items():
        out.write(f"{name}: personal data of {number} annotators erased")
    if not erased:
        out.write("Nothing has been kept for longer than its study allows.")


VERBS = (
    Verb("export-all", "write everything of a study, as a folder or a ZIP", _export_all, _export_arguments),
    Verb("import-all", "take in a whole closed study that was exported", _import_all, _import_arguments),
    Verb("erase", "erase what is known of an annotator as a person", _erase, _erase_arguments),
    Verb("retention", "erase personal data whose time is over, of all studies", _retention, lambda _: None),
    Verb("preferences", "write preference pairs for training", _preferences, _pairs_arguments),
)
