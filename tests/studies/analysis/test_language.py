"""The language of a text, told only when there is no doubt. Texts written for these tests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.analysis.language import LANGUAGES, language_of

TEXTS = {
    "English": "The tide was out, and the boats lay on their sides in the mud until the water came back.",
    "German": "Die Flut war fort, und die Boote lagen auf der Seite im Schlamm, bis das Wasser wieder kam.",
    "French": "La mer était basse et les bateaux dormaient sur le sable avec les enfants dans la nuit.",
    "Spanish": "La marea estaba baja y los barcos dormían en la arena con los niños de la playa.",
    "Italian": "La marea era bassa e le barche dormivano sulla sabbia con i bambini che non volevano cena.",
    "Portuguese": "A maré estava baixa e os barcos dormiam na areia com as crianças que não comem.",
    "Dutch": "Het was eb en de boten lagen op het zand, met een paar kinderen die niet naar huis wilden.",
    "Cyrillic": "Море отступило, и лодки лежали на песке до самого вечера.",
    "Greek": "Η θάλασσα είχε τραβηχτεί και οι βάρκες έμεναν στην άμμο.",
    "Arabic": "انحسر البحر وبقيت القوارب على الرمل حتى المساء",
    "Hebrew": "הים נסוג והסירות נשארו על החול עד הערב",
    "Japanese": "潮が引いて、船は砂の上に夕方まで残っていた。",
    "Chinese": "潮水退去以后，船只一直停在沙滩上，直到傍晚。",
    "Korean": "바닷물이 빠지고 배들은 저녁까지 모래 위에 있었다.",
}


@pytest.mark.parametrize("language", TEXTS)
def test_a_sentence_is_told_by_its_script_or_its_commonest_words(language):
    assert language_of(TEXTS[language]) == language
    assert language in LANGUAGES


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   \n ",
        "Arr, matey! Ahoy!",
        "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20",
        "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore",
        "```python\nfor the in of: and = to; that = it\nfor the in of: and = to; that = it\n```",
        f"{TEXTS['English']} {TEXTS['German']}",
        f"{TEXTS['Cyrillic']} {TEXTS['English']}",
    ],
)
def test_what_is_short_mixed_made_up_or_code_gets_no_answer(text):
    assert language_of(text) is None


def test_code_and_addresses_are_passed_over():
    text = f"{TEXTS['German']} ```\nif the and of to in is that it for was with as his on be at by\n```"

    assert language_of(text) == "German"


@given(st.text())
def test_any_text_gets_a_known_answer_or_none(text):
    assert language_of(text) in {None, *LANGUAGES}
