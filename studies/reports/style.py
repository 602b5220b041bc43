"""One style for every picture, made from the design's tokens, light and dark."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, fields
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
_PAGE, _LEAST_LINE = 9.4, 0.17
"""Inches of a picture's height that fit on a page below two headings, and of a line that can be read."""
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


MARKS = Palette(**{field.name: f"#0ff1c{number:x}" for number, field in enumerate(fields(Palette))})
"""Colours that no picture has: they are drawn with and then exchanged for a scheme's."""


@dataclass(frozen=True, slots=True)
class Look:
    """Where a picture is shown: on light or dark paper, on a wide page or a telephone."""

    dark: bool = False
    narrow: bool = False
    marked: bool = False
    """Drawn in `MARKS`."""

    @property
    def colours(self) -> Palette:
        """The tokens of the scheme."""
        return MARKS if self.marked else palette(dark=self.dark)

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


def short(name: str, most: int) -> str:
    """Return a name with its middle left out where it is longer; text beside a picture has the whole.

    >>> short("negative prompt 13.5", 12)
    'negat…t 13.5'
    """
    if len(name) <= most:
        return name
    head = (most - 1) // 2
    return f"{name[:head]}…{name[head + 1 - most :]}"


def line_height(most: float, lines: float, margins: float, look: Look) -> float:
    """Return the inches of a line, at most ``most``, with which so many of them fit on a page of paper."""
    if look.narrow:
        return most
    return max(_LEAST_LINE, min(most, (_PAGE - margins) / lines))


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
    text = _slim(buffer.getvalue().decode())
    return re.sub(r"(font(?:-family)?:[^;\"]*?)'DejaVu Sans'[^;\"]*", rf"\1{_FONTS}", text).encode()


def _slim(text: str) -> str:
    """Return the same picture in fewer bytes: hundredths of a point, no metadata, no space between tags."""
    text = text[text.index("<svg") :]
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r' id="[a-zA-Z0-9.]+_\d+"', "", text)
    text = re.sub(r">\s+<", "><", text)
    text = re.sub(r"\s*\n\s*", " ", text).replace(' "', '"')
    text = re.sub(r' transform="rotate\(-?0 [^)]*\)"', "", text)
    text = re.sub(r"-?\d+\.\d{3,}", lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), text)
    return re.sub(r'(?<= style=")[^"]*', lambda found: re.sub(r"([;:]) ", r"\1", found[0]), text)


def painted(drawn: bytes, scheme: Palette) -> bytes:
    """Return a picture that was drawn in `MARKS` in the colours of a scheme."""
    text = drawn.decode()
    for field in fields(Palette):
        text = text.replace(getattr(MARKS, field.name), getattr(scheme, field.name))
    return text.encode()


def adaptive(drawn: bytes) -> bytes:
    """Return a picture that was drawn in `MARKS` as one that follows the reader's scheme by itself."""
    names = {field.name: f"--c{number}" for number, field in enumerate(fields(Palette))}
    text = drawn.decode().replace(_FONTS, "var(--f)")
    for field, name in names.items():
        text = text.replace(getattr(MARKS, field), f"var({name})")

    def scheme(*, dark: bool) -> str:
        return "".join(f"{name}:{getattr(palette(dark=dark), field)};" for field, name in names.items())

    styles = (
        f":root{{--f:{_FONTS};{scheme(dark=False)}}}"
        f"@media (prefers-color-scheme:dark){{:root{{{scheme(dark=True)}}}}}"
    )
    return text.replace("</style>", f"{styles}</style>", 1).encode()
