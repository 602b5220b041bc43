"""Rows of generation for tests."""

import uuid

from generation.models import Checkpoint, Completion
from generation.spec import CompletionRequest, DecodingSpec, Message, Negative, NoiseKey

BATCH = uuid.UUID(int=1)


def checkpoint(name: str = "tiny", **fields) -> Checkpoint:
    return Checkpoint.objects.create(**{"name": name, "source": "path:/nowhere"} | fields)


def request(name: str = "prompt", *, guided: bool = False, length: int = 5) -> CompletionRequest:
    guidance = {"guidance_scale": 1.5, "negative": Negative.TEXT, "negative_text": "Prose."} if guided else {}
    return CompletionRequest(
        key=0,
        spec=DecodingSpec(checkpoint="tiny", max_new_tokens=length, **guidance),
        noise=NoiseKey(7, name, "arm"),
        messages=(Message("user", "Hello"),),
    )


def completions(owner: Checkpoint, count: int, *, guided: bool = False, batch_key=BATCH) -> list[Completion]:
    return [
        Completion.objects.create(
            batch_key=batch_key,
            prompt_key=uuid.uuid4(),
            arm_key=uuid.uuid4(),
            checkpoint=owner,
            request=request(f"prompt-{number}", guided=guided).as_dict(),
        )
        for number in range(count)
    ]
