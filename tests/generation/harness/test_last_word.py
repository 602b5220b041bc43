import re

from generation.harness.last_word import last_word_task, passages

WORD = re.compile(r"[\w']+")


def test_there_are_enough_passages_and_none_twice() -> None:
    assert len(passages()) >= 100
    assert len(set(passages())) == len(passages())


def test_the_last_word_is_not_in_the_last_sentence_before_it() -> None:
    for passage in passages():
        rest, _, last = passage.rpartition(" ")
        sentence = re.split(r"(?<=[.?!]) ", rest)[-1]

        assert last.isalpha(), passage
        assert last not in WORD.findall(sentence.lower()), passage


def test_the_last_word_or_its_stem_is_told_before() -> None:
    for passage in passages():
        rest, _, last = passage.rpartition(" ")

        assert last.lower()[:3] in rest.lower(), passage


def test_the_harness_asks_for_the_last_word_after_all_others() -> None:
    task = last_word_task()
    task.build_all_requests(limit=2)

    assert [request.args for request in task.instances] == [
        (passage.rpartition(" ")[0], " " + passage.rpartition(" ")[2]) for passage in passages()[:2]
    ]
