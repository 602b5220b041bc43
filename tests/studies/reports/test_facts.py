"""What a report keeps of what it knew: it comes back as it was, and nothing else does."""

import json
from dataclasses import dataclass

import numpy as np
import pytest

from studies.analysis.absence import Absence
from studies.analysis.records import Pair
from studies.reports.facts import pack, unpack


@pytest.mark.parametrize(
    "value",
    [
        None,
        "text “with” \0 and \N{SNOWMAN}",
        [1, 2.5, True, 1e300, 0.1 + 0.2],
        (("a", 1), (), b"\x00\xff"),
        {"b": 1, "a": {2: (3,)}},
        Pair("guided", "standard"),
        Absence("There is nothing."),
    ],
)
def test_values_come_back_as_they_were(value):
    found = unpack(pack(value))

    assert (found, type(found)) == (value, type(value))


def test_the_order_of_names_is_kept():
    assert list(unpack(pack({"b": 1, "a": 2}))) == ["b", "a"]


def test_arrays_come_back_with_their_type():
    array = np.array([[1.5, np.inf], [-0.0, 1e-300]])

    found = unpack(pack((array, np.float64(0.1))))

    assert found[0].tobytes() == array.tobytes()
    assert found[1] == 0.1


@dataclass(frozen=True)
class Foreign:
    name: str


def test_what_is_not_of_this_program_is_not_made():
    with pytest.raises(ValueError, match="which this version of the program does not know"):
        unpack(pack(Foreign("x")))


def test_values_under_other_names_are_refused_and_not_put_in_their_places():
    packed = json.loads(pack(Absence("There is nothing.")))

    assert packed["fields"] == ["reason"]
    with pytest.raises(ValueError, match="Absence has other fields now: cause, reason"):
        unpack(json.dumps(packed | {"fields": ["cause"]}).encode())
    # Reports of before names were kept can still be made again.
    del packed["fields"]
    assert unpack(json.dumps(packed).encode()) == Absence("There is nothing.")


def test_what_has_no_form_is_refused():
    with pytest.raises(TypeError, match="cannot keep a set"):
        pack({1})
