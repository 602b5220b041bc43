"""A picture in every look, with its words."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.figure import Figure

from studies.reports import style
from studies.reports.style import PLAIN, Look


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in every look, with its words."""

    name: str
    title: str
    alternative: str
    looks: dict[Look, bytes]

    @property
    def uri(self) -> str:
        """The plain picture as a data URI."""
        return _data_uri(self.looks[PLAIN])

    @property
    def sources(self) -> list[tuple[str, str]]:
        """Media query and data URI of every other look, the first match being the right one."""
        return [(look.media, _data_uri(made)) for look, made in self.looks.items() if look != PLAIN]


def _data_uri(picture: bytes) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(picture).decode()}"


def draw(name: str, words: tuple[str, str], paint: Callable[[Look], Figure], *, simulated: bool) -> Picture:
    """Return a picture in every look; ``words`` are its title and its alternative text."""
    made = {}
    for look in style.LOOKS:
        figure = paint(look)
        if simulated:
            style.watermark(figure, look.colours)
        made[look] = style.svg(figure)
    title, alternative = words
    return Picture(name, title, f"SIMULATED. {alternative}" if simulated else alternative, made)
