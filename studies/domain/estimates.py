"""What a move will do, in figures, before it is made."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from studies.domain.designs import arms_per_prompt, pairs_per_prompt
from studies.enums import Kind
from studies.models import Study


@dataclass(frozen=True, slots=True)
class Estimate:
    """The size of a study as planned."""

    arms: int
    written: int
    """Arms that write a completion of each prompt."""
    prompts: int
    replicates: int
    shown: int
    """Comparisons that annotators will see."""
    identical: int
    """Comparisons that are automatic ties."""
    overlap: int
    quota: int
    criteria: int

    @property
    def completions(self) -> int:
        """Texts to be written."""
        return self.written * self.prompts * self.replicates

    @property
    def judgments(self) -> int:
        """Answers on each criterion, when the slot plan is full."""
        return self.shown * self.overlap

    @property
    def annotators(self) -> int:
        """How many people that takes, if each does their quota; nobody meets a comparison twice."""
        return max(self.overlap, ceil(self.judgments / min(self.quota, max(self.shown, 1))))


def estimate(study: Study) -> Estimate:
    """Return the size of ``study``; before its pairs are made, as many as its prompts allow."""
    arms, prompts = study.arms.count(), study.prompts.count()
    real = study.comparisons.filter(kind=Kind.REAL)
    pairs, identical = real.count(), real.filter(identical=True).count()
    expected = pairs_per_prompt(arms, study.design) * prompts * study.replicates
    return Estimate(
        arms=arms,
        written=arms_per_prompt(arms, study.design),
        prompts=prompts,
        replicates=study.replicates,
        shown=(pairs - identical) if pairs else expected,
        identical=identical,
        overlap=study.judgments_each,
        quota=study.quota,
        criteria=study.criteria.count(),
    )
