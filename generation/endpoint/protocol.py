"""A request in the protocol's fields, and an answer read from them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from generation.endpoint.address import Endpoint
from generation.endpoint.faults import Fault, Helps
from generation.spec import CompletionRequest, DecodingSpec, FinishReason, NoiseKey

_FROM_ELSEWHERE = {"content_filter", "tool_calls", "function_call"}
"""Finish reasons of texts that are not the model's whole answer."""


class _Lenient(BaseModel):
    """Servers leave fields out and add their own."""

    model_config = ConfigDict(extra="ignore")


class _Spoken(_Lenient):
    content: str | None = None
    refusal: str | None = None


class _Choice(_Lenient):
    message: _Spoken = _Spoken()
    text: str | None = None
    finish_reason: str | None = None


class _Usage(_Lenient):
    prompt_tokens: int = Field(0, ge=0)
    completion_tokens: int | None = Field(None, ge=0)


class Answer(_Lenient):
    """What a server said."""

    choices: list[_Choice] = Field(min_length=1)
    id: str | None = None
    model: str | None = None
    system_fingerprint: str | None = None
    usage: _Usage | None = None

    @property
    def text(self) -> str:
        """Return the model's words; a refusal is words as well."""
        said = self.choices[0]
        return said.text or said.message.content or said.message.refusal or ""

    @property
    def finish_reason(self) -> FinishReason:
        """Return why it ended; what servers call an end in their own words is a stop."""
        return FinishReason.LENGTH if self.choices[0].finish_reason == "length" else FinishReason.STOP


def sampling(spec: DecodingSpec, noise: NoiseKey, endpoint: Endpoint) -> dict[str, Any]:
    """Return the fields of a request that say how to sample.

    A field that would change nothing is not sent, since some servers refuse what others ignore.
    """
    stop = list(spec.stop)
    return {
        "temperature": spec.temperature,
        **({"top_p": spec.top_p} if spec.top_p != 1 else {}),
        endpoint.length_field: spec.max_new_tokens,
        **({"stop": stop} if stop else {}),
        **({"seed": seed_of(noise)} if endpoint.seed else {}),
        **endpoint.extra,
    }


def seed_of(noise: NoiseKey) -> int:
    """Return the seed of a completion: the same for coupled arms, as their noise is."""
    said = json.dumps(asdict(noise), sort_keys=True).encode()
    return int.from_bytes(hashlib.sha256(said).digest()[:4]) >> 1


def body_of(request: CompletionRequest, endpoint: Endpoint) -> tuple[str, dict[str, Any]]:
    """Return the path below the base URL, and the body that is posted there."""
    prompt: dict[str, Any] = {"prompt": request.text}
    if request.messages:
        prompt = {"messages": [asdict(message) for message in request.messages]}
    path = "/chat/completions" if request.messages else "/completions"
    return path, {"model": endpoint.model} | prompt | sampling(request.spec, request.noise, endpoint)


def read_answer(data: bytes) -> Answer:
    """Return the answer in a response's body; raise `Fault` when it is none, or empty."""
    try:
        answer = Answer.model_validate_json(data)
    except ValidationError as error:
        detail = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, detail["loc"])) or "the whole"
        reason = f"it answered, but not in the protocol ({place}: {detail['msg'][:100]})"
        raise Fault(Helps.AGAIN, reason) from None
    _refuse_useless(answer)
    return answer


def _refuse_useless(answer: Answer) -> None:
    ended = answer.choices[0].finish_reason
    if ended in _FROM_ELSEWHERE:
        raise Fault(Helps.ANOTHER, f"the server ended it with “{ended}” instead of the model's answer")
    if not answer.text.strip():
        hint = "; raise max_new_tokens if the model thinks before it answers" if ended == "length" else ""
        raise Fault(Helps.ANOTHER, f"it answered with an empty text (finish reason {ended}{hint})")
