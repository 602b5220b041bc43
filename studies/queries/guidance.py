"""Prompts on which guidance has nothing to do."""

from __future__ import annotations

from generation.spec import Negative
from studies.models import Study


def idle_guidance(study: Study) -> int:
    """Return on how many prompts an arm is guided away from what is asked of it anyway.

    Guidance against a checkpoint's default instruction strengthens a prompt's own instruction. A
    conversation without one is the same text with and without guidance.
    """
    specs = [arm.decoding for arm in study.arms.all()]
    if not any(spec.guided and spec.negative is Negative.DEFAULT_SYSTEM for spec in specs):
        return 0
    return study.prompts.filter(text="").exclude(messages__0__role="system").count()
