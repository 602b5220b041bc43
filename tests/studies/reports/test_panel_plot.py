"""The panels of position and length: drawn where the file says, told in words."""

from studies.analysis.summary import analyze
from studies.reports.panel_plot import length_picture, position_picture
from studies.reports.style import LOOKS
from tests.studies.analysis.kit import judgments_of

HEADER = "comparison,prompt,annotator,candidate_slot,choice,candidate_tokens,baseline_tokens"


def headline(*, longer):
    rows = [
        f"{p},p{p},a{a},{'AB'[(a + p) % 2]},{'A' if (a * p) % 3 else 'B'},{100 + longer * (p - 5)},100"
        for a in range(6)
        for p in range(11)
    ]
    return analyze(judgments_of(*rows, header=HEADER), draws=0).headline


def test_both_are_drawn_in_every_look_and_told_in_words():
    result = headline(longer=4)

    position, length = (draw(result, simulated=True) for draw in (position_picture, length_picture))

    assert set(position.looks) == set(length.looks) == set(LOOKS)
    assert position.alternative.startswith("SIMULATED. With the candidate in slot A: ")
    assert "At equal length, of decided judgments: " in length.alternative
    assert length.alternative.count(" tokens: ") == 5
    assert all(b"SIMULATED" in drawn for drawn in length.looks.values())


def test_texts_of_one_length_have_no_panel():
    assert length_picture(headline(longer=0), simulated=False) is None


def test_without_slots_there_is_no_panel_of_position():
    rows = [f"{p},p{p},a{a},win" for a in range(3) for p in range(3)]
    result = analyze(judgments_of(*rows, header="comparison,prompt,annotator,outcome")).headline

    assert position_picture(result, simulated=False) is None
    assert length_picture(result, simulated=False) is None
