"""The page of the paper is what the program writes, and its figures are the published replica's."""

import csv
from pathlib import Path

import pytest
from django.conf import settings

from studies.analysis.judgments_file import read_judgments
from studies.analysis.plan import plan_from
from studies.analysis.summary import analyze
from studies.files.importer import import_path
from studies.presets.paper_revisited.convert import convert
from studies.presets.paper_revisited.page import FOLDER, page

STUDY = FOLDER / "study.yaml"
DOCS = Path(settings.BASE_DIR) / "docs"


@pytest.fixture(scope="module")
def made():
    return page()


def test_the_page_is_what_the_program_writes(made):
    assert (DOCS / "the-paper-revisited.md").read_text(encoding="utf-8") == made.text


def test_its_pictures_are_what_the_program_draws(made):
    assert set(made.pictures) == {"paper-follows.svg", "paper-answers.svg", "paper-robustness.svg"}
    for name, data in made.pictures.items():
        assert (DOCS / "images" / name).read_bytes() == data


def test_it_says_of_each_claim_what_the_figures_support(made):
    # By hand: P(X >= 53) of a binomial with n = 102, p = .45 is .095, with p = .40 it is .0096.
    assert "one-sided p = .095" in made.text
    assert "more than 10 points: p = .010" in made.text
    assert "| untested |" in made.text


def test_every_vote_becomes_a_judgment_of_each_question(tmp_path):
    convert(FOLDER / "replica.csv", tmp_path / "judgments.csv")

    assert (tmp_path / "judgments.csv").read_bytes() == (FOLDER / "judgments.csv").read_bytes()
    with (tmp_path / "judgments.csv").open(newline="") as file:
        assert sum(1 for _ in csv.DictReader(file)) == 2 * 611


def test_the_replica_gives_the_published_answers():
    # R 4.2.2 with sandwich, gamma 3: W 60, T 14, L 15; standard errors by annotator, prompt, both ways.
    headline = analyze(read_judgments(FOLDER / "judgments.csv")).headline
    rate, variances = headline.rate, headline.rate.estimate.variances

    assert (rate.wins, rate.ties, rate.losses) == (60, 14, 15)
    assert variances.annotators**0.5 == pytest.approx(0.0360793142, abs=1e-9)
    assert variances.prompts**0.5 == pytest.approx(0.0421527959, abs=1e-9)
    assert variances.two_way**0.5 == pytest.approx(0.0375394409, abs=1e-9)
    assert rate.estimate.se == pytest.approx(0.0421527959, abs=1e-9)


@pytest.mark.django_db
def test_the_study_file_asks_what_the_replica_answers():
    study = import_path(STUDY, actor="tests")

    replica = read_judgments(FOLDER / "judgments.csv")
    arms = {arm.name: arm for arm in study.arms.all()}
    assert {pair.candidate for pair in replica.pairs} == set(arms) - {"standard"}
    assert {name: arm.decoding.guidance_scale for name, arm in arms.items() if name != "standard"} == {
        f"gamma {scale}": scale for scale in (1, 2, 3, 4, 5, 6)
    }
    assert arms["gamma 1"].control
    assert study.prompts.count() * (study.arms.count() - 1) * study.overlap == 576


@pytest.mark.django_db
def test_the_study_file_plans_what_the_paper_left_untested():
    plan = plan_from(import_path(STUDY, actor="tests").analysis)

    assert (plan.margin, plan.multiplicity, plan.expected.annotators) == (0.05, "gatekeeping", 71)
