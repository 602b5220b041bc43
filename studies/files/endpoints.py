"""What an arm may say that a server answers for."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from studies.files.errors import Path
from studies.files.schema import ArmEntry, StudyEntry

_KNOWN = {"name", "baseline", "control", "checkpoint", "endpoint"}
_SAMPLED = {"temperature", "top_p", "max_new_tokens", "stop"}
"""What the protocol has a field for."""
_WARMEST = 2
_MOST_STOPS = 4


def endpoint_problems(entry: StudyEntry) -> Iterator[tuple[Path, str]]:
    """Yield what is wrong with where the arms' completions come from."""
    rates: dict[str, tuple[str, int]] = {}
    for index, arm in enumerate(entry.arms):
        here = ("arms", index)
        if arm.endpoint is None:
            if arm.checkpoint is None:
                yield (*here, "checkpoint"), gettext("is missing; name a checkpoint, or give an “endpoint”")
            continue
        yield from (((*here, *path), problem) for path, problem in _one_arm(arm))
        rate = arm.endpoint.requests_per_minute
        other, first = rates.setdefault(arm.endpoint.base_url, (arm.name, rate))
        if rate != first:
            problem = gettext(
                "is %(rate)s here and %(first)s for “%(other)s”, which calls the same address; say the same"
            ) % {"rate": rate, "first": first, "other": other}
            yield (*here, "endpoint", "requests_per_minute"), problem


def _one_arm(arm: ArmEntry) -> Iterator[tuple[Path, str]]:
    if arm.checkpoint is not None:
        yield ("checkpoint",), gettext("and “endpoint” are both there; an arm comes from one of them")
    for name, known in type(arm).model_fields.items():
        if name not in _KNOWN | _SAMPLED and getattr(arm, name) != known.get_default(
            call_default_factory=True
        ):
            yield (name,), gettext(_UNKNOWN.get(name, _BEYOND)).format(name=name)
    if arm.temperature > _WARMEST:
        yield (
            ("temperature",),
            gettext("is %(temperature)s; servers take 0 to %(_WARMEST)s")
            % {"temperature": f"{arm.temperature:g}", "_WARMEST": _WARMEST},
        )
    if len(arm.stop) > _MOST_STOPS:
        yield (
            ("stop",),
            gettext("holds more than the %(_MOST_STOPS)s texts that servers take")
            % {"_MOST_STOPS": _MOST_STOPS},
        )


_BEYOND = _(
    "is no field of the protocol, so the server would not know of it; leave it out, or, if this server takes "
    "something like it, write that under endpoint, in “extra”"
)
_GUIDED = _(
    "needs the logits of each step, which a server does not give; guidance works with a checkpoint only"
)
_UNKNOWN = dict.fromkeys(
    ("guidance_scale", "negative", "negative_text", "plausibility", "guided_tokens"), _GUIDED
)
