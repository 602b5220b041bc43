"""Figures that took long are kept for a moment, quick ones are not."""

from django.core.cache import cache

from studies.models import Study
from studies.views import keeping
from studies.views.keeping import kept


def counted(study, monkeypatch, *, slow):
    cache.clear()
    monkeypatch.setattr(keeping, "SLOW", 0 if slow else 60)
    calls = []
    for _ in range(2):
        kept(study, "answers", lambda: calls.append(1))
    return len(calls)


def test_what_is_counted_quickly_is_counted_each_time(monkeypatch):
    assert counted(Study(pk=1), monkeypatch, slow=False) == 2


def test_what_took_long_is_kept_even_if_it_is_nothing(monkeypatch):
    monkeypatch.setattr(keeping, "_TIMES", 1e9)

    assert counted(Study(pk=1), monkeypatch, slow=True) == 1


def test_a_study_that_moved_on_is_counted_anew(monkeypatch):
    monkeypatch.setattr(keeping, "SLOW", 0)
    monkeypatch.setattr(keeping, "_TIMES", 1e9)
    cache.clear()
    study = Study(pk=1)
    assert kept(study, "answers", lambda: 1) == 1

    study.status = "closed"

    assert kept(study, "answers", lambda: 2) == 2
    cache.clear()
