"""One style for every picture, made from the design's tokens, light and dark."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib as mpl
from django.conf import settings
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

# Constant for the whole process, so that threads cannot see each other's settings.
mpl.rcParams["svg.fonttype"] = "none"
mpl.rcParams["svg.hashsalt"] = "evenhand"

TEXT, SMALL = 10.5, 9.0
_FONTS = "'Source Sans 3', system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"
_TOKEN = re.compile(r"--([\w-]+):\s*(#[0-9a-fA-F]{6})")


@dataclass(frozen=True, slots=True)
class Palette:
    """The tokens that pictures use."""

    ink: str
    soft: str
    line: str
    candidate: str
    candidate_text: str
    baseline: str
    baseline_text: str
    tie: str
    warn: str


@cache
def palette(*, dark: bool) -> Palette:
    """Return the tokens of the light or the dark scheme."""
    text = (Path(settings.BASE_DIR) / "static" / "css" / "tokens.css").read_text(encoding="utf-8")
    light, _, night = text.partition("prefers-color-scheme: dark")
    tokens = dict(_TOKEN.findall(light)) | (dict(_TOKEN.findall(night)) if dark else {})
    return Palette(
        ink=tokens["ink"],
        soft=tokens["ink-soft"],
        line=tokens["line-strong"],
        candidate=tokens["candidate"],
        candidate_text=tokens["candidate-text"],
        baseline=tokens["baseline"],
        baseline_text=tokens["baseline-text"],
        tie=tokens["tie"],
        warn=tokens["warn"],
    )


@dataclass(frozen=True, slots=True)
class Look:
    """Where a picture is shown: on light or dark paper, on a wide page or a telephone."""

    dark: bool = False
    narrow: bool = False

    @property
    def colours(self) -> Palette:
        """The tokens of the scheme."""
        return palette(dark=self.dark)

    @property
    def width(self) -> float:
        """Inches; text is set in points on this width."""
        return 3.6 if self.narrow else 7.2

    @property
    def media(self) -> str:
        """The media query under which this look is the right one; the plain look needs none."""
        queries = []
        if self.narrow:
            queries.append("(max-width: 40rem)")
        if self.dark:
            queries.append("(prefers-color-scheme: dark)")
        return " and ".join(queries)


PLAIN = Look()
LOOKS = (Look(dark=True, narrow=True), Look(narrow=True), Look(dark=True), PLAIN)
"""In the order in which a browser should try them."""


def canvas(look: Look, height: float) -> tuple[Figure, Axes]:
    """Return an empty transparent figure with one bare axes."""
    figure = Figure(figsize=(look.width, height))
    figure.patch.set_alpha(0)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_frame_on(False)
    axes.set_yticks([])
    return figure, axes


def watermark(figure: Figure, colours: Palette) -> None:
    """Write SIMULATED across a picture."""
    figure.text(
        0.5,
        0.5,
        "SIMULATED",
        color=colours.warn,
        alpha=0.18,
        fontsize=min(6 * figure.get_figwidth(), 20 * figure.get_figheight()),
        fontweight="bold",
        rotation=10,
        ha="center",
        va="center",
        zorder=10,
    )


def svg(figure: Figure) -> bytes:
    """Return a figure as SVG, the same bytes each time, in the reader's own sans serif."""
    buffer = io.BytesIO()
    FigureCanvasSVG(figure)
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue().decode()
    return re.sub(r"(font(?:-family)?:[^;\"]*?)'DejaVu Sans'[^;\"]*", rf"\1{_FONTS}", text).encode()
