"""A checkpoint under guidance, as a model of the harness."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.api.model import TemplateLM
from lm_eval.models.utils import handle_stop_sequences, normalize_gen_kwargs, postprocess_generated_text
from lm_eval.utils import get_rolling_token_windows, make_disjoint_window
from tqdm import tqdm

from generation.engine import Engine, Loaded
from generation.engine.prompts import chat_text, opening, render
from generation.engine.scoring import Continuation, Score, score
from generation.spec import MOST_STOPS, CompletionRequest, DecodingSpec, Failed, Message, Negative, NoiseKey

_log = logging.getLogger(__name__)
_SAMPLING = ("temperature", "top_k", "top_p", "min_p")
_READ = {*_SAMPLING, "do_sample", "until", "max_gen_toks"}
_NEW_TOKENS = 256


class HarnessError(RuntimeError):
    """A task that cannot be run as asked; the message says why and what to do."""


class GuidedLM(TemplateLM):  # type: ignore[misc]  # the harness has no types
    """Answers the harness's questions by guided scoring and guided decoding.

    Parameters
    ----------
    loaded
        The checkpoint.
    scale
        The guidance scale; 1 is the checkpoint itself.
    negative, negative_text
        The unconditional context. ``last_token`` is the paper's: the last token of the prompt.
        ``default_system`` and ``text`` with chat templates put the default system prompt or the text in
        the system prompt's place; ``text`` without them takes the place of the whole prompt.
    rows
        How many rows are read together at most.
    seed
        Of the noise, where a task samples.

    Raises
    ------
    SpecError
        When scale and negative do not go together.
    """

    def __init__(
        self,
        loaded: Loaded,
        *,
        scale: float = 1.0,
        negative: Negative = Negative.LAST_TOKEN,
        negative_text: str = "",
        rows: int = 32,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.loaded = loaded
        self.tokenizer = loaded.tokenizer
        self.spec: dict[str, Any] = {
            "guidance_scale": scale,
            "negative": negative,
            "negative_text": negative_text,
        }
        self.scale = DecodingSpec(loaded.name, **self.spec).guidance_scale
        self.rows = rows
        self.seed = seed
        self._conversations: dict[str, tuple[Message, ...]] = {}

    @property
    def tokenizer_name(self) -> str:
        """What the harness calls its caches of requests by."""
        return self.loaded.name

    @property
    def eot_token_id(self) -> int:
        """The token that ends a text."""
        return int(self.tokenizer.eos_token_id)

    @property
    def prefix_token_id(self) -> int:
        """The token that stands before a text without a prompt."""
        opening_id = self.tokenizer.bos_token_id
        return self.eot_token_id if opening_id is None else int(opening_id)

    @property
    def max_length(self) -> int:
        """How many tokens the checkpoint reads."""
        return self.loaded.context

    def tok_encode(self, string: str, add_special_tokens: bool | None = None, **_: Any) -> list[int]:  # noqa: FBT001 - the harness's signature
        """Return token ids, with the opening token of plain texts unless it is there or unwanted."""
        ids = list(self.tokenizer(string, add_special_tokens=False).input_ids)
        first = list(opening(self.tokenizer))
        bare = add_special_tokens is False or ids[: len(first)] == first
        return ids if bare else first + ids

    def apply_chat_template(
        self,
        chat_history: list[dict[str, str]],
        add_generation_prompt: bool = True,  # noqa: FBT001, FBT002 - the harness's signature
    ) -> str:
        """Render a conversation, and keep it: its negative is rendered from its turns."""
        del add_generation_prompt  # Whose turn is last says it.
        messages = tuple(Message(turn["role"], turn["content"]) for turn in chat_history)
        text = chat_text(messages, self.tokenizer)
        self._conversations[text] = messages
        return text

    def loglikelihood_rolling(self, requests: list[Instance], disable_tqdm: bool = False) -> list[float]:  # noqa: FBT001, FBT002 - the harness's signature
        """Return the log-probability of whole texts.

        They have no prompt, so nothing for ``last_token`` to guide towards: it leaves them as they are.
        """
        wanted, owners = [], []
        for number, (text,) in enumerate(request.args for request in requests):
            windows = get_rolling_token_windows(
                token_list=self.tok_encode(text),
                prefix_token=self.prefix_token_id,
                max_seq_len=self.max_length,
                context_len=1,
            )
            for context, tokens in map(make_disjoint_window, windows):
                wanted.append(("", context, tokens))
                owners.append(number)
        totals = [0.0] * len(requests)
        for number, found in zip(owners, self._scores(wanted, quiet=disable_tqdm), strict=True):
            totals[number] += found.log_probability
        return totals

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:  # noqa: FBT001, FBT002 - the harness's signature
        """Write a text for each request, by the engine that studies use."""
        seen: Counter[str] = Counter()
        waiting, stops = [], []
        for key, (context, options) in enumerate(request.args for request in requests):
            wanted = normalize_gen_kwargs(options, _NEW_TOKENS)
            stops.append(handle_stop_sequences(wanted["until"], eos=self.tokenizer.eos_token))
            # A row ends at the first of these; whatever other stops there are, texts are cut at afterwards.
            ending = sorted(
                set(stops[-1]) - {"", self.tokenizer.eos_token}, key=lambda stop: (len(stop), stop)
            )
            waiting.append(self._request(key, context, wanted, seen[context], tuple(ending[:MOST_STOPS])))
            seen[context] += 1
        texts: dict[int, str] = {}
        batches = [waiting]
        with tqdm(total=len(waiting), desc="Writing", disable=disable_tqdm or None) as bar:
            engine = Engine(self.loaded, rows=self.rows)
            for result in engine.generate(lambda _: batches.pop() if batches else [], lambda _: None):
                if isinstance(result, Failed):
                    raise HarnessError(result.reason)
                texts[result.key] = postprocess_generated_text(result.text, stops[result.key], None)
                bar.update()
        return [texts[key] for key in range(len(waiting))]

    def _loglikelihood_tokens(
        self, requests: list[tuple[tuple[str, str], list[int], list[int]]], **kwargs: Any
    ) -> list[tuple[float, bool]]:
        wanted = [(context, ids, tokens) for (context, _), ids, tokens in requests]
        scores = self._scores(wanted, quiet=kwargs.get("disable_tqdm", False))
        return [(found.log_probability, found.greedy) for found in scores]

    def _scores(self, wanted: Sequence[tuple[str, list[int], list[int]]], *, quiet: bool) -> list[Score]:
        continuations = [
            Continuation(tuple(ids), tuple(tokens), self._unconditional(context, ids))
            for context, ids, tokens in wanted
        ]
        with tqdm(total=len(wanted), desc=f"Scoring at {self.scale:g}", disable=quiet or None) as bar:
            return score(self.loaded, continuations, scale=self.scale, rows=self.rows, tick=bar.update)

    def _unconditional(self, context: str, ids: list[int]) -> tuple[int, ...]:
        """Return the unconditional context of a prompt."""
        if self.scale == 1:
            return ()
        negative = self.spec["negative"]
        if context in self._conversations:
            text = render(self._request(0, context, {}, 0), self.tokenizer).unconditional
        elif negative is Negative.LAST_TOKEN:
            return tuple(ids[-1:]) if context else tuple(ids)
        elif negative is Negative.TEXT:
            text = str(self.spec["negative_text"])
        else:
            message = "negative default_system needs conversations: let the harness apply the chat template."
            raise HarnessError(message)
        # The harness moves space at the end of a prompt to the continuation, which both contexts share.
        return tuple(self.tok_encode(text if context == context.rstrip() else text.rstrip()))

    def _request(
        self,
        key: int,
        context: str,
        wanted: dict[str, Any],
        replicate: int,
        stop: tuple[str, ...] = (),
    ) -> CompletionRequest:
        """Return what the engine is asked for; refuses options that it does not have."""
        if unknown := sorted(set(wanted) - _READ):
            raise HarnessError(f"The task decodes with {', '.join(unknown)}, which guided decoding has not.")
        new_tokens = wanted.get("max_gen_toks", 1)
        sampling = {name: wanted[name] for name in _SAMPLING if name in wanted} | self.spec | {"stop": stop}
        messages = self._conversations.get(context, ())
        return CompletionRequest(
            key=key,
            spec=DecodingSpec(
                self.loaded.name, **({"temperature": 0.0} | sampling), max_new_tokens=new_tokens
            ),
            noise=NoiseKey(self.seed, context, "harness", replicate),
            messages=messages,
            text="" if messages else self._fitting(context, new_tokens),
        )

    def _fitting(self, context: str, new_tokens: int) -> str:
        """Return the end of a plain prompt that leaves room for the new tokens."""
        room = self.max_length - new_tokens
        ids = self.tok_encode(context)
        if len(ids) <= room:
            return context
        if room < 1:
            raise HarnessError(
                f"The task asks for {new_tokens} new tokens; {self.max_length} are all there is."
            )
        _log.warning("A prompt of %d tokens is cut to its last %d.", len(ids), room)
        return str(self.tokenizer.decode(ids[-room:], skip_special_tokens=True))
