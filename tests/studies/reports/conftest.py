"""What the tests of a module share: a closed study whose report is computed and drawn once."""

from collections.abc import Iterator

import pytest
from django.db import transaction

from studies.models import Study
from studies.reports.render import Drawn
from studies.reports.summary import summarize
from tests.studies.reports.kit import exclude, judged_study


@pytest.fixture(scope="module")
def shared_db(django_db_setup, django_db_blocker) -> Iterator[None]:
    """A transaction around the module's tests: what its own fixtures write, all of them read.

    Each test's transaction lies inside and is rolled back by itself, so no test sees another's changes.
    """
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def usual(shared_db) -> Study:
    """The usual study, with one annotator excluded after it was closed."""
    made = judged_study()
    exclude(made)
    return made


@pytest.fixture(scope="module")
def drawn(usual) -> Drawn:
    """The usual study's report; each of its files is made once."""
    return Drawn(summarize(usual))


@pytest.fixture(scope="module")
def simulated(shared_db) -> Study:
    """A study whose judgments came from a program."""
    return judged_study(simulated=True)


@pytest.fixture(scope="module")
def drawn_simulated(simulated) -> Drawn:
    """The simulated study's report."""
    return Drawn(summarize(simulated))
