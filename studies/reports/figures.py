"""Numbers as a report prints them: rounded for the eye, whole in the markup."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString

from studies.analysis.sentence import p_text, percent

NONE = "–"


def figure(value: float | str | None, text: str) -> SafeString | str:
    """Return a printed number whose full value a program can read from the page."""
    if value is None:
        return NONE
    return format_html('<data value="{}">{}</data>', repr(value) if isinstance(value, float) else value, text)


def share(value: float | None) -> SafeString | str:
    """Return a share as a percentage."""
    return NONE if value is None else figure(value, f"{percent(value)} %")


def probability(value: float | None) -> SafeString | str:
    """Return a probability that was estimated: never as certain as rounding would make it."""
    if value is None:
        return NONE
    edge = 0.0005
    text = "> 99.9 %" if value >= 1 - edge else "< 0.1 %" if value < edge else f"{percent(value)} %"
    return figure(value, text)


def points(value: float | None) -> SafeString | str:
    """Return a signed difference of shares in percentage points."""
    return NONE if value is None else figure(value, f"{100 * value:+.1f}".replace("-", "−"))


def points_of(value: float) -> SafeString | str:
    """Return a distance in percentage points."""
    return figure(value, f"{100 * value:.1f}")


def span(low: int, high: int | None) -> SafeString | str:
    """Return a range of whole numbers."""
    if high is None or high == low:
        return figure(low, str(low))
    return format_html("{} to {}", figure(low, str(low)), figure(high, str(high)))


def interval(low: float | None, high: float | None) -> SafeString | str:
    """Return an interval of shares in brackets."""
    if low is None or high is None:
        return NONE
    return format_html("[{}, {}]", figure(low, percent(low)), figure(high, percent(high)))


def p_value(value: float | None) -> SafeString | str:
    """Return a p-value as the APA prints it, without its letter."""
    return NONE if value is None else figure(value, p_text(value, "").strip().removeprefix("= "))


def decimal(value: float | None, digits: int = 2) -> SafeString | str:
    """Return a number with so many digits."""
    return NONE if value is None else figure(value, f"{value:.{digits}f}".replace("-", "−"))


def decimals(low: float | None, high: float | None, digits: int = 3) -> SafeString | str:
    """Return an interval of plain numbers in brackets."""
    if low is None or high is None:
        return NONE
    return format_html("[{}, {}]", decimal(low, digits), decimal(high, digits))


def of(part: SafeString | str, whole: SafeString | str) -> SafeString | str:
    """Return a part of a whole."""
    return format_html("{} of {}", part, whole)


def count(value: int | None) -> SafeString | str:
    """Return a count, with thin spaces between thousands."""
    return NONE if value is None else figure(value, f"{value:,}".replace(",", "\u202f"))


def seed(value: int) -> SafeString | str:
    """Return a seed, which is a name and no quantity."""
    return figure(value, str(value))


def flops(value: float | None) -> SafeString | str:
    """Return floating-point operations in the unit that fits."""
    if not value:
        return NONE
    for unit, size in (("P", 1e15), ("T", 1e12), ("G", 1e9), ("M", 1e6)):
        if value >= size:
            return figure(value, f"{value / size:.3g} {unit}FLOP")
    return figure(value, f"{value:.3g} FLOP")
