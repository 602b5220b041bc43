"""EleutherAI's lm-eval harness with guidance: any of its tasks, and a last-word task that needs no network.

The harness is an optional extra of pyproject, `lm-eval`. Ask `missing` before importing what lies here.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

ADVICE = "Benchmarks run in EleutherAI's harness, which is not installed: run `pip install lm-eval` first."


def missing() -> str:
    """Return what to do when the harness is not installed, and nothing when it is."""
    return "" if importlib.util.find_spec("lm_eval") else ADVICE


def keep_caches_in(folder: Path) -> None:
    """Let data sets that tasks fetch be kept in ``folder``, unless the environment names a place for them.

    To be called before the harness is imported; its libraries read the environment once.
    """
    if "HF_HOME" not in os.environ:
        os.environ.setdefault("HF_HUB_CACHE", str(folder / "hub"))
        os.environ.setdefault("HF_DATASETS_CACHE", str(folder / "datasets"))
        os.environ.setdefault("HF_MODULES_CACHE", str(folder / "modules"))
