"""A completion is a function of its request: not of its slot, its neighbours, its turn or the batch."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generation.engine import Engine
from generation.engine import decoding as decoding_module
from generation.engine.decoding import Batch
from generation.engine.flights import Flight
from generation.engine.prompts import render
from generation.engine.slots import SEGMENT, Slots
from generation.spec import CompletionRequest, Generated, Negative


def work(make_request) -> list[CompletionRequest]:
    """Every kind of row, with beginnings in common and of many lengths."""
    pirate = "Write as if you were a pirate who has been at sea for years."
    kinds = (
        {},
        {"guidance_scale": 1.5, "negative": Negative.DEFAULT_SYSTEM},
        {"guidance_scale": 3, "negative": Negative.TEXT, "negative_text": "Be dull and brief.", "top_p": 0.8},
        {"temperature": 0, "guidance_scale": 2, "negative": Negative.DEFAULT_SYSTEM, "guided_tokens": 4},
        {"temperature": 0.7, "min_p": 0.05, "stop": ("e", "zz")},
        {"top_k": 5, "plausibility": 0.1},
    )
    return [
        make_request(
            10 * number + kind,
            system=pirate if number else "Rhyme.",
            user="Hello " * number + "you",
            max_new_tokens=3 + 5 * ((number + kind) % 4),
            **fields,
        )
        for number in range(3)
        for kind, fields in enumerate(kinds)
    ]


def write(
    engine: Engine, requests: Sequence[CompletionRequest], portions: Sequence[int]
) -> dict[int, tuple[tuple[int, ...], str]]:
    """Write all; ``portions`` says how many rows each asking gets, in turn."""
    waiting, turns = list(requests), [*portions]

    def fetch(rows: int) -> list[CompletionRequest]:
        turns.append(turns.pop(0))
        taken, room = [], max(2, min(rows, turns[-1]))
        while waiting and room >= 2:
            room -= 2
            taken.append(waiting.pop(0))
        return taken

    results = list(engine.generate(fetch, lambda _: None))
    assert all(isinstance(result, Generated) for result in results)
    return {result.key: (result.token_ids, result.text) for result in results}


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_schedule_writes_the_same(tiny_loaded, make_request, data: st.DataObject) -> None:
    requests = work(make_request)
    expected = write(Engine(tiny_loaded, rows=64), requests, [64])
    order = data.draw(st.permutations(requests), label="order")
    rows = data.draw(st.integers(2, 40), label="rows")
    portions = data.draw(st.lists(st.integers(0, 40), min_size=1, max_size=4), label="portions")
    piece = data.draw(st.sampled_from([1, 3, 16, 256]), label="piece")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding_module, "_PIECE", {"cpu": piece})
        written = write(Engine(tiny_loaded, rows=rows), order, portions)

    assert written == expected


def test_rows_that_move_whenever_one_comes_or_goes_write_the_same(
    tiny_loaded, make_request, monkeypatch
) -> None:
    moves: list[int] = []
    rearrange = Slots.rearrange

    def noting(self, rows, tokens) -> None:
        moves.append(sum(source != target for target, (source, _) in rows.items()))
        rearrange(self, rows, tokens)

    monkeypatch.setattr(Slots, "rearrange", noting)
    monkeypatch.setattr(decoding_module, "_WASTE", 1e9)
    requests = work(make_request)
    expected = write(Engine(tiny_loaded, rows=40), requests, [9])
    assert not moves

    monkeypatch.setattr(decoding_module, "_WASTE", 0)
    written = write(Engine(tiny_loaded, rows=40), requests, [9])

    assert written == expected
    assert sum(moves) > 20


def test_room_follows_the_rows_as_a_batch_drains(llama_engine, make_request) -> None:
    asked = [make_request(n, temperature=0, max_new_tokens=60 if n % 6 == 0 else 5) for n in range(40)]
    endless = replace(llama_engine.loaded, eos_ids=frozenset([10**6]))
    batch = Batch(endless, 3 * SEGMENT)
    batch.add([Flight(request, render(request, endless.tokenizer)) for request in asked])
    full = batch._slots.total_room

    while batch.row_count > 7:
        batch.step()
    batch.step()

    rows = {row.slot for rows in batch._rows.values() for row in rows}
    assert {slot // SEGMENT for slot in rows} == {min(rows) // SEGMENT}
    assert batch._slots.total_room <= full / 2


@pytest.mark.model
def test_the_real_logits_are_the_same_to_the_last_bit(smollm2, make_request, monkeypatch) -> None:
    if not smollm2.packed:
        pytest.skip("this build of torch has no oneDNN, so the order of sums is the library's")
    requests = [request for request in work(make_request) if request.spec.temperature == 1][:6]
    seen: dict[tuple[int, int], torch.Tensor] = {}
    choose = decoding_module.Batch._choose

    def noting(self, logits):
        for index, flight in enumerate(self._live):
            seen[flight.request.key, len(flight.tokens) + len(self._log)] = logits[index].clone()
        return choose(self, logits)

    monkeypatch.setattr(decoding_module.Batch, "_choose", noting)
    write(Engine(smollm2, rows=64), requests, [64])
    together, order = dict(seen), np.random.default_rng(2).permutation(len(requests))
    seen.clear()

    monkeypatch.setattr(decoding_module, "_PIECE", {"cpu": 19})
    write(Engine(smollm2, rows=5), [requests[index] for index in order], [4])

    assert seen.keys() == together.keys()
    assert all(torch.equal(seen[key], together[key]) for key in seen)
