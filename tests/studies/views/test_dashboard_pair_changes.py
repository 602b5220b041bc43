"""Excluding pairs and drawing them anew on the dashboard, without unblinding anybody."""

import pytest
from django.db.models import F

from generation.models import Completion
from studies.models import AuditEvent
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def study():
    """Three pairs; the first has a response that repeats itself."""
    made = factories.ready_study(slug="ocean", prompts=3, arms=("kestrel-arm", "osprey-arm"))
    done = Completion.objects.filter(batch_key=made.key)
    done.update(claimed_at=F("finished_at"), claimed_by="host:1:1")
    done.filter(pk=made.comparisons.first().candidate_id).update(text="no no no no no no")
    return made


def test_a_flag_says_in_which_response_the_scan_saw_what(dashboard, study):
    page = dashboard.get("/studies/ocean/pairs/?flag=repetition").content.decode()

    assert page.count("<article") == 1
    assert "it says “no” 6 times in a row or more." in page
    shown = page[page.index("Response A</h3>") : page.index("Response B</h3>")]
    slot = "A" if "no no no" in shown else "B"
    assert f"Response {slot}: it says" in page


def test_the_scan_links_to_the_flagged_pairs_and_offers_to_change_them_all(dashboard, study):
    page = dashboard.get("/studies/ocean/pairs/").content.decode()

    assert "A response that repeats itself: 1 pair" in page
    assert '<a href="?flag=any">1 pair</a> flagged' in page
    assert "/studies/ocean/pairs/exclude/?flag=any" in page
    assert "/studies/ocean/pairs/redraw/?flag=any" in page


def test_excluding_all_flagged_pairs_asks_for_a_reason_and_takes_them_out(dashboard, study):
    address = "/studies/ocean/pairs/exclude/?flag=repetition"

    asked = dashboard.get(address).content.decode()
    refused = dashboard.post(address, {"reason": " "})
    done = dashboard.post(address, {"reason": "Nonsense."}, follow=True).content.decode()

    assert "Exclude: 1 pair" in asked
    assert refused.status_code == 422
    assert "Write down why" in refused.content.decode()
    assert "1 pair left out of the plan." in done
    assert done.count("<article") == 2
    left_out = dashboard.get("/studies/ocean/pairs/?flag=left-out").content.decode()
    assert left_out.count("<article") == 1
    assert "Put back…" in left_out


def test_a_pair_can_be_put_back(dashboard, study):
    key = study.comparisons.first().pk
    dashboard.post(f"/studies/ocean/pairs/exclude/?pair={key}", {"reason": "Nonsense."})

    done = dashboard.post(f"/studies/ocean/pairs/include/?pair={key}", follow=True).content.decode()

    assert "1 pair put back into the plan." in done
    assert done.count("<article") == 3


def test_a_pair_that_is_drawn_anew_says_so_until_it_is_written(dashboard, study):
    key = study.comparisons.first().pk

    done = dashboard.post(f"/studies/ocean/pairs/redraw/?pair={key}", {"reason": "Odd."}, follow=True)
    page = done.content.decode()

    assert "1 response asked for anew." in page
    assert "Being written anew" in page
    assert "(being written anew)" in page
    assert "An empty response: none" in page


def test_once_opened_no_page_offers_a_change_and_none_is_made(dashboard):
    study = factories.open_study(slug="ocean", comparisons=2)
    address = f"/studies/ocean/pairs/exclude/?pair={study.comparisons.first().pk}"

    pages = [dashboard.get(one).content.decode() for one in ("/studies/ocean/pairs/", address)]
    refused = dashboard.post(address, {"reason": "Nonsense."}, follow=True).content.decode()

    assert "Exclude…" not in pages[0]
    assert "The plan is frozen" in pages[1]
    assert "was frozen when it opened" in refused
    assert study.comparisons.filter(kind="real").count() == 2


@pytest.mark.parametrize("query", ["", "?pair=x", "?pair=99999999999999999999", "?pair=-1", "?flag=nothing"])
def test_an_address_that_names_no_pair_says_so(dashboard, study, query):
    page = dashboard.get(f"/studies/ocean/pairs/exclude/{query}").content.decode()

    assert "No pair is chosen" in page


def test_there_is_no_other_change(dashboard, study):
    assert dashboard.get("/studies/ocean/pairs/delete/").status_code == 404


def test_the_summary_by_arm_is_shown_before_closing_only_to_who_asks_and_logged(dashboard, study):
    address = "/studies/ocean/pairs/by-arm/"

    before = dashboard.get(address).content.decode()
    logged = AuditEvent.objects.filter(action="scan.unblinded").count()
    after = dashboard.post(address).content.decode()

    assert ("osprey-arm" in before, logged) == (False, 0)
    assert "osprey-arm" in after
    assert AuditEvent.objects.filter(action="scan.unblinded", study=study).count() == 1


def test_the_summary_by_arm_of_a_closed_study_is_there_for_all(dashboard):
    factories.closed_study(slug="ocean", comparisons=1)

    page = dashboard.get("/studies/ocean/pairs/by-arm/").content.decode()

    assert "guided</th>" in page
    assert AuditEvent.objects.filter(action="scan.unblinded").count() == 0
