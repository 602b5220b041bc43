"""The parameters that recruiting sites write into the link."""

import pytest

from studies.forms.recruits import recruit

HAND_IN = "https://workersandbox.mturk.com/mturk/externalSubmit"


def test_prolific_and_mturk_name_the_person_and_the_visit():
    prolific = recruit({"PROLIFIC_PID": "p1", "STUDY_ID": "s", "SESSION_ID": "v1"})
    mturk = recruit({"workerId": "A1", "assignmentId": "3X", "hitId": "H"})

    assert (prolific.external_id, prolific.session_id) == ("p1", "v1")
    assert (mturk.external_id, mturk.session_id) == ("A1", "3X")


def test_an_assignment_that_is_not_available_is_a_preview():
    assert recruit({"assignmentId": "ASSIGNMENT_ID_NOT_AVAILABLE", "hitId": "H"}).previewing
    assert not recruit({"assignmentId": "3X"}).previewing


@pytest.mark.parametrize(
    ("given", "submit_to"),
    [
        ("https://workersandbox.mturk.com", HAND_IN),
        ("https://workersandbox.mturk.com/", HAND_IN),
        ("https://workersandbox.mturk.com:443/elsewhere", HAND_IN),
        ("http://workersandbox.mturk.com", ""),
        ("https://evil.example", ""),
        ("https://workersandbox.mturk.com.evil.example", ""),
        ("https://evil.example#workersandbox.mturk.com", ""),
        ("https://workersandbox.mturk.com@evil.example", ""),
        ("https://workersandbox.mturk.com:8443", ""),
        ("https://[", ""),
        ("javascript:alert(1)", ""),
        ("", ""),
    ],
)
def test_only_allowed_hosts_are_posted_to(given, submit_to):
    assert recruit({"turkSubmitTo": given}).submit_to == submit_to


@pytest.mark.parametrize("raw", ["a b", "<script>", "x" * 101, "-"])
def test_an_id_that_no_site_gives_is_unusable(raw):
    assert recruit({"workerId": raw}).external_id is None
