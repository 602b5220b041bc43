"""A picture in every look, with its words."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.figure import Figure

from studies.reports import style
from studies.reports.style import Look


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in every look, with its words."""

    name: str
    title: str
    alternative: str
    looks: dict[Look, bytes]
    adaptive: dict[bool, bytes]
    """What a page shows, narrow and wide: each follows the reader's scheme by itself."""

    @property
    def uri(self) -> str:
        """The wide picture as a data URI."""
        return _data_uri(self.adaptive[False])

    @property
    def sources(self) -> list[tuple[str, str]]:
        """Media query and data URI of the narrow picture."""
        return [(Look(narrow=True).media, _data_uri(self.adaptive[True]))]


def _data_uri(picture: bytes) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(picture).decode()}"


def draw(name: str, words: tuple[str, str], paint: Callable[[Look], Figure], *, simulated: bool) -> Picture:
    """Return a picture in every look; ``words`` are its title and its alternative text."""
    drawn = {}
    for narrow in (True, False):
        look = Look(narrow=narrow, marked=True)
        figure = paint(look)
        if simulated:
            style.watermark(figure, look.colours)
        drawn[narrow] = style.svg(figure)
    title, alternative = words
    return Picture(
        name,
        title,
        f"SIMULATED. {alternative}" if simulated else alternative,
        {look: style.painted(drawn[look.narrow], look.colours) for look in style.LOOKS},
        {narrow: style.adaptive(made) for narrow, made in drawn.items()},
    )
