"""The preset studies: what each is for, its study file, and how it is imported by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from django.contrib.auth.models import User
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from studies.domain.errors import StudyError
from studies.files.importer import import_study
from studies.models import Study
from studies.presets.crossing import crossed, read_parts

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Preset:
    """A study that comes with the product."""

    name: str
    purpose: str
    take: int = 0
    """Of a crossing of system and user prompts, how many combinations are taken unless told otherwise."""
    whole: int = 0
    """How many combinations there are."""


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            "stay-on-topic", _("The paper's human study on a small scale: guided against standard sampling.")
        ),
        Preset(
            "stay-on-topic-full",
            _(
                "The paper's human study in full: 25 × 46 prompts, seven scales drawn over "
                "them, an A/A control "
                "and a temperature-matched arm."
            ),
            take=400,
            whole=1_150,
        ),
        Preset("several-turns", _("Conversations of several turns: who keeps to what was said before?")),
        Preset("plain-text", _("Plain texts to be continued, guided against their last token.")),
        Preset(
            "chain-of-thought",
            _("Word problems with reasoning, parsed answers and how often they are right."),
        ),
        Preset("long-text-and-code", _("Essays, stories, manuals and programs, shown as Markdown.")),
        Preset("equal-cost", _("A small guided checkpoint against a standard one of twice its size.")),
    )
}
"""By name, in the order in which they are listed."""


def preset_file(name: str, *, take: int | None = 0) -> bytes:
    """Return the study file of a preset.

    Parameters
    ----------
    name
        One of `PRESETS`.
    take
        Of a crossing, how many combinations: 0 for the preset's own number, None for all.

    Raises
    ------
    StudyError
        There is no such preset, or it has no combinations to choose from, or not so many.
    """
    preset = PRESETS.get(name)
    if preset is None:
        raise StudyError(
            gettext("There is no preset “%(name)s”. Presets: %(names)s.")
            % {"name": name, "names": ", ".join(PRESETS)}
        )
    if preset.whole:
        return _crossed_file(preset, take if take is None else take or preset.take)
    if take != 0:
        raise StudyError(
            gettext("The prompts of “%(name)s” are no crossing, so there is nothing to take some of.")
            % {"name": name}
        )
    return (FOLDER / f"{name}.yaml").read_bytes()


def _crossed_file(preset: Preset, take: int | None) -> bytes:
    """Return the study file of a crossing with its prompts written out."""
    folder = FOLDER / preset.name
    text = (folder / "study.yaml").read_text(encoding="utf-8")
    seed = int(yaml.safe_load(text)["seed"])
    try:
        chosen = crossed(*read_parts(folder), take=take, seed=seed)
    except ValueError as error:
        raise StudyError(
            gettext("Of “%(name)s”, %(error)s.") % {"name": preset.name, "error": error}
        ) from error
    prompts: list[dict[str, Any]] = [
        {
            "id": f"{system['id']}-{user['id']}",
            "family": "chat",
            "stratum": system["stratum"],
            "system": system["system"],
            "user": user["user"],
        }
        for system, user in chosen
    ]
    written = yaml.safe_dump({"prompts": prompts}, sort_keys=False, allow_unicode=True, width=1_000_000)
    return f"{text}{written}".encode()


def import_preset(name: str, *, actor: str, take: int | None = 0, owner: User | None = None) -> Study:
    """Import a preset as a draft of its name."""
    return import_study(preset_file(name, take=take), name=f"{name}.yaml", actor=actor, owner=owner)
