"""What is asked of a generator, in plain data: no Django, no torch.

Everything here can be written as JSON and read back unchanged, because a completion keeps the
request that made it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, Protocol, Self


class SpecError(ValueError):
    """A decoding spec that cannot be run, with the reason."""


class Unavailable(Exception):  # noqa: N818 - not an error of the program
    """Raised by a generator that can write nothing now, with the reason; what it held is given back."""


class Negative(StrEnum):
    """The unconditional context that guidance is measured against; never implicit."""

    NONE = "none"
    """No unconditional row: ordinary sampling (guidance scale 1)."""
    LAST_TOKEN = "last_token"  # noqa: S105 - not a password
    """The last token of the prompt, as in the paper's benchmarks; for plain prompts only."""
    DEFAULT_SYSTEM = "default_system"
    """The checkpoint's own default system prompt with the same user prompt."""
    TEXT = "text"
    """The researcher's negative prompt, in the place of the system prompt."""


class FinishReason(StrEnum):
    """Why a completion ended."""

    STOP = "stop"
    LENGTH = "length"


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class DecodingSpec:
    """How an arm decodes. Guidance scale 1 without a negative is ordinary sampling."""

    checkpoint: str
    guidance_scale: float = 1.0
    negative: Negative = Negative.NONE
    negative_text: str = ""
    temperature: float = 1.0
    """0 means greedy decoding."""
    top_k: int = 0
    """0 means no limit."""
    top_p: float = 1.0
    min_p: float = 0.0
    max_new_tokens: int = 128
    plausibility: float = 0.0
    """Keep tokens with at least this share of the conditional maximum; 0 is off."""
    stop: tuple[str, ...] = ()
    """Texts that end a completion; none of them is part of it."""
    guided_tokens: int = 0
    """Guide only this many tokens at the beginning; 0 guides all."""
    dtype: str = ""
    """The type of the weights: float32, bfloat16 or float16; empty leaves it to the device."""

    def __post_init__(self) -> None:
        """Refuse nonsense with a reason."""
        for name, least, most in _RANGES:
            value = getattr(self, name)
            if not least <= value <= most:
                message = f"{name} is {value}; it must lie between {least:g} and {most:g}"
                raise SpecError(message)
        if self.guidance_scale != 1 and self.negative is Negative.NONE:
            message = "a guidance scale other than 1 needs a negative: last_token, default_system or text"
            raise SpecError(message)
        if (self.negative is Negative.TEXT) != bool(self.negative_text):
            message = "negative_text goes with negative: text, and only with it"
            raise SpecError(message)
        if self.guided_tokens and not self.guided:
            message = "guided_tokens needs a guidance scale other than 1"
            raise SpecError(message)
        if self.dtype not in DTYPES:
            message = (
                f"dtype is {self.dtype!r}; it must be one of {', '.join(filter(None, DTYPES))}, or absent"
            )
            raise SpecError(message)
        if any(not stop for stop in self.stop) or len(self.stop) > MOST_STOPS:
            message = f"stop must hold at most {MOST_STOPS} texts, none of them empty"
            raise SpecError(message)

    @property
    def guided(self) -> bool:
        """Whether an unconditional row is needed."""
        return self.guidance_scale != 1

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; what was added later stands there only when it is used."""
        data = asdict(self) | {"negative": self.negative.value, "stop": list(self.stop)}
        return {name: value for name, value in data.items() if value or name not in _ADDED}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Read what `as_dict` wrote."""
        words = {"negative": Negative(data.get("negative", "none")), "stop": tuple(data.get("stop", ()))}
        return cls(**(data | words))


_RANGES = (
    ("guidance_scale", 0, 20),
    ("temperature", 0, 5),
    ("top_k", 0, 1_000_000),
    ("top_p", 0.01, 1),
    ("min_p", 0, 1),
    ("max_new_tokens", 1, 32_768),
    ("plausibility", 0, 1),
    ("guided_tokens", 0, 32_768),
)
DTYPES = ("", "float32", "bfloat16", "float16")
MOST_STOPS = 8
"""How many texts may end a completion."""
_ADDED = ("stop", "guided_tokens", "dtype")


REDRAW = "#"
"""Parts a stream's name from the number of its redraws; no arm's name contains it."""


@dataclass(frozen=True, slots=True)
class NoiseKey:
    """What the noise of a completion's draws is a function of, besides position and token id."""

    study_seed: int
    prompt: str
    stream: str
    """The arm's key when arms are drawn independently; one shared word when they are coupled."""
    replicate: int = 0

    @property
    def redraws(self) -> int:
        """How often the completion has been drawn anew: what stands behind the mark in its stream."""
        return int(self.stream.partition(REDRAW)[2] or 0)

    def redrawn(self) -> Self:
        """Return the key of the next draw: other noise, all else the same, and still a key like any other."""
        return replace(self, stream=f"{self.stream.partition(REDRAW)[0]}{REDRAW}{self.redraws + 1}")


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """One completion to write. ``messages`` is a conversation, or ``text`` a plain prompt; not both."""

    key: int
    """The completion's primary key; the generator only hands it back."""
    spec: DecodingSpec
    noise: NoiseKey
    messages: tuple[Message, ...] = ()
    text: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON, without the key."""
        return {
            "spec": self.spec.as_dict(),
            "noise": asdict(self.noise),
            "messages": [asdict(message) for message in self.messages],
            "text": self.text,
        }

    @classmethod
    def from_dict(cls, key: int, data: dict[str, Any]) -> Self:
        """Read what `as_dict` wrote."""
        return cls(
            key=key,
            spec=DecodingSpec.from_dict(data["spec"]),
            noise=NoiseKey(**data["noise"]),
            messages=tuple(Message(**message) for message in data["messages"]),
            text=data["text"],
        )


@dataclass(frozen=True, slots=True)
class Generated:
    """A finished completion."""

    key: int
    text: str
    token_ids: tuple[int, ...]
    """The generated tokens, the closing end-of-sequence token included when there was one."""
    finish_reason: FinishReason
    prompt_tokens: int
    forward_flops: float
    seconds: float
    provenance: dict[str, Any] = field(default_factory=dict)
    token_count: int | None = None
    """How many tokens there are where their ids are not known."""

    @property
    def tokens(self) -> int:
        """How many tokens were generated."""
        return len(self.token_ids) if self.token_count is None else self.token_count


@dataclass(frozen=True, slots=True)
class Failed:
    """A completion that could not be written, with the reason a researcher can act on."""

    key: int
    reason: str


Fetch = Callable[[int], Sequence[CompletionRequest]]
"""Asked for up to n rows' worth of requests; an empty answer means no more."""
Beat = Callable[[dict[int, int]], None]
"""Called after every step with the tokens so far of each completion in flight; may raise to stop."""


class Generator(Protocol):
    """Writes completions. The engine is one; tests use a fake that is held against it."""

    def generate(self, fetch: Fetch, beat: Beat) -> Iterator[Generated | Failed]:
        """Yield each completion as it finishes, until ``fetch`` has no more."""
        ...
