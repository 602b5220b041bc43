"""From a request to the token ids of its conditional and its unconditional row.

Guidance pushes a text away from what the checkpoint would have written in the *unconditional*
context. Which context that is, is never implicit: the spec names one of the kinds of `Negative`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jinja2.exceptions import TemplateError

from generation.spec import CompletionRequest, Message, Negative

_MARK = "\N{SECTION SIGN}evenhand\N{SECTION SIGN}"
_ASK = "\N{SECTION SIGN}ask\N{SECTION SIGN}"


class PromptError(ValueError):
    """A request whose rows cannot be rendered, with a reason that a researcher can act on."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The contexts of one completion, as text and as token ids."""

    conditional: str
    conditional_ids: tuple[int, ...]
    unconditional: str = ""
    unconditional_ids: tuple[int, ...] = ()
    """Empty when no unconditional row is needed."""


def render(request: CompletionRequest, tokenizer: Any) -> Rows:
    """Render a request for a checkpoint.

    Parameters
    ----------
    request
        A conversation or a plain text, and the spec of its arm.
    tokenizer
        A transformers tokenizer; its chat template renders conversations.

    Returns
    -------
    Rows
        Without an unconditional row at guidance scale 1, which is ordinary sampling.

    Raises
    ------
    PromptError
        When the kind of negative does not fit the prompt, or the checkpoint cannot hold conversations.

    Notes
    -----
    The kinds of unconditional context are those of Sanchez et al. 2023 (arXiv 2306.17806): the last token
    of the prompt (section 3.1), the default system prompt (section 3.4), a negative prompt (equation 5).
    """
    if bool(request.text) == bool(request.messages):
        message = "A prompt is either a conversation or a plain text."
        raise PromptError(message)
    conditional = request.text or chat_text(request.messages, tokenizer)
    ids = _ids(conditional, tokenizer, plain=bool(request.text))
    if not request.spec.guided:
        return Rows(conditional, ids)
    if request.spec.negative is Negative.LAST_TOKEN:
        unconditional, negative_ids = _last_token(request, ids, tokenizer)
    else:
        negative = _plain_negative if request.text else _chat_negative
        unconditional = negative(request, tokenizer)
        negative_ids = _ids(unconditional, tokenizer, plain=bool(request.text))
    if negative_ids == ids:
        message = "The unconditional context equals the prompt, so guidance would do nothing: change one."
        raise PromptError(message)
    return Rows(conditional, ids, unconditional, negative_ids)


def chat_text(messages: Sequence[Message], tokenizer: Any) -> str:
    """Render a conversation by the checkpoint's chat template, up to where the assistant begins to speak.

    A template without a system role gets the system text at the head of the first user turn.
    """
    if not tokenizer.chat_template:
        message = "The checkpoint has no chat template: use plain prompts, or a chat checkpoint."
        raise PromptError(message)
    turns = list(messages)
    if turns[0].role == "system" and not knows_system(tokenizer):
        turns = _folded(turns)
    try:
        return _rendered(turns, tokenizer)
    except TemplateError as error:
        message = f"The checkpoint's chat template refuses the conversation: {error}."
        raise PromptError(message) from error


def default_system(tokenizer: Any) -> str | None:
    """Return the system prompt that a chat template puts in when none is given; None when it puts none.

    The template is rendered with a marked system prompt and without one; what stands in the mark's place
    is the default.
    """
    if not knows_system(tokenizer):
        return None
    head, _, tail = _rendered([Message("system", _MARK), Message("user", _ASK)], tokenizer).partition(_MARK)
    without = _rendered([Message("user", _ASK)], tokenizer)
    if not (without.startswith(head) and without.endswith(tail)) or len(without) < len(head) + len(tail):
        return None
    return without[len(head) : len(without) - len(tail)] or None


def knows_system(tokenizer: Any) -> bool:
    """Whether a system turn's text reaches the prompt."""
    try:
        return _MARK in _rendered([Message("system", _MARK), Message("user", _ASK)], tokenizer)
    except TemplateError:
        return False


def opening(tokenizer: Any) -> tuple[int, ...]:
    """Return the token that plain texts are used to begin with; empty for many a checkpoint."""
    first = tokenizer("", add_special_tokens=True).input_ids[:1]
    known = tokenizer.bos_token_id is not None and first == [tokenizer.bos_token_id]
    return tuple(first) if known else ()


def _chat_negative(request: CompletionRequest, tokenizer: Any) -> str:
    """Put the negative in the place of the system prompt; the default one comes by giving none."""
    turns = [turn for turn in request.messages if turn.role != "system"]
    if not turns:
        message = "The conversation has no user turn."
        raise PromptError(message)
    if request.spec.negative is Negative.TEXT:
        turns.insert(0, Message("system", request.spec.negative_text))
    return chat_text(turns, tokenizer)


def _plain_negative(request: CompletionRequest, tokenizer: Any) -> str:
    del tokenizer
    if request.spec.negative is Negative.DEFAULT_SYSTEM:
        message = "A plain prompt has no system prompt: use negative last_token or text, or a conversation."
        raise PromptError(message)
    return request.spec.negative_text


def _last_token(
    request: CompletionRequest, ids: tuple[int, ...], tokenizer: Any
) -> tuple[str, tuple[int, ...]]:
    if request.messages:
        message = (
            "negative last_token does not fit a conversation: its last token only announces the assistant. "
            "Use default_system or text."
        )
        raise PromptError(message)
    return tokenizer.decode(ids[-1:]), ids[-1:]


def _folded(turns: list[Message]) -> list[Message]:
    if len(turns) < 2 or turns[1].role != "user":  # noqa: PLR2004 - the system turn and a user turn
        message = "The checkpoint's chat template has no system role, and no user turn follows to carry it."
        raise PromptError(message)
    return [Message("user", f"{turns[0].content}\n\n{turns[1].content}"), *turns[2:]]


def _rendered(turns: Sequence[Message], tokenizer: Any) -> str:
    begun = turns[-1].role == "assistant"
    text: str = tokenizer.apply_chat_template(
        [{"role": turn.role, "content": turn.content} for turn in turns],
        tokenize=False,
        add_generation_prompt=not begun,
        continue_final_message=begun,
    )
    return text


def _ids(text: str, tokenizer: Any, *, plain: bool) -> tuple[int, ...]:
    """Return token ids without anything added, but for the opening token that plain texts are used to."""
    ids = tuple(tokenizer(text, add_special_tokens=False).input_ids)
    if plain:
        ids = (*opening(tokenizer), *ids)
    if not ids:
        message = "The context is empty: write at least one word."
        raise PromptError(message)
    return ids
