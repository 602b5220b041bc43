"""A task of LAMBADA's kind: passages whose last word can be told from the whole, hardly from a sentence.

Paperno et al. 2016, *The LAMBADA dataset*, arXiv 1606.06031, is the model; the passages are Evenhand's own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from datasets import Dataset, DatasetDict
from lm_eval.api.task import ConfigurableTask

NAME = "evenhand_last_word"
_FILE = Path(__file__).with_name("last_words.txt")


def passages() -> list[str]:
    """Return the passages, each ending in the word that is asked for."""
    return _FILE.read_text(encoding="utf-8").splitlines()


def last_word_task() -> ConfigurableTask:
    """Return the task for the harness, its data in memory."""
    return ConfigurableTask(
        config={
            "task": NAME,
            "custom_dataset": _dataset,
            "output_type": "loglikelihood",
            "test_split": "test",
            "doc_to_text": _before,
            "doc_to_target": _last,
            "target_delimiter": "",
            "metric_list": [
                {"metric": "acc", "aggregation": "mean", "higher_is_better": True},
                {"metric": "perplexity", "aggregation": "perplexity", "higher_is_better": False},
            ],
            "metadata": {"version": 1.0},
        }
    )


def _dataset(**_: Any) -> DatasetDict:
    return DatasetDict({"test": Dataset.from_list([{"text": text} for text in passages()])})


def _before(document: dict[str, str]) -> str:
    return document["text"].rpartition(" ")[0]


def _last(document: dict[str, str]) -> str:
    return " " + document["text"].rpartition(" ")[2]
