"""A generator without a model. `test_generator_contract.py` holds it against the engine."""

from collections import deque
from collections.abc import Iterator

from generation.spec import Beat, CompletionRequest, Failed, Fetch, FinishReason, Generated

REFUSED = "refuse me"


class FakeGenerator:
    """Writes the prompt backwards, one letter a step."""

    def __init__(self, *, rows: int = 8) -> None:
        self.rows = rows
        self.steps = 0

    def generate(self, fetch: Fetch, beat: Beat) -> Iterator[Generated | Failed]:
        while requests := fetch(self.rows):
            waiting = deque(requests)
            while waiting:
                request = waiting.popleft()
                if request.text == REFUSED:
                    yield Failed(request.key, "refused")
                    continue
                yield self._write(request, beat)

    def _write(self, request: CompletionRequest, beat: Beat) -> Generated:
        prompt = request.text or "".join(message.content for message in request.messages)
        tokens = tuple(ord(letter) for letter in reversed(prompt))[: request.spec.max_new_tokens]
        for count in range(len(tokens)):
            self.steps += 1
            beat({request.key: count})
        return Generated(
            key=request.key,
            text="".join(map(chr, tokens)),
            token_ids=tokens,
            finish_reason=FinishReason.LENGTH,
            prompt_tokens=len(prompt),
            forward_flops=float(len(tokens)),
            seconds=0.01,
            provenance={"engine": "fake"},
        )
