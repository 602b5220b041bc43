"""Which language a text is in, told by its script and its commonest words; no answer when unsure.

No language model and no table of trained weights: a scan that accuses a text must be able to say why. The
script comes from the letters' names in Unicode. Of texts in Latin letters, the language is the one whose
function words stand in it most, if they are frequent enough and no other language comes near.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache

_SCRIPTS = {
    "LATIN": "Latin",
    "CYRILLIC": "Cyrillic",
    "GREEK": "Greek",
    "ARABIC": "Arabic",
    "HEBREW": "Hebrew",
    "DEVANAGARI": "Devanagari",
    "BENGALI": "Bengali",
    "THAI": "Thai",
    "HANGUL": "Korean",
    "HIRAGANA": "Japanese",
    "KATAKANA": "Japanese",
    "CJK": "Chinese",
}
_STOP_WORDS = {
    "English": "the and of to in is that it for was with as his on be at by this had not are but "
    "from or have an they which you were all we can her has there been if more when will "
    "would who so no what up your",
    "German": "der die und das den von zu mit ist im nicht ein eine auf dem für sich des als auch "
    "es an werden aus er hat dass sie nach wird bei einer um am sind noch wie einem über "
    "einen so zum war haben nur oder",
    "French": "de la le et les des en un du une que est pour qui dans par plus pas au sur ne se ce "
    "il sont avec son aux mais comme ou si leur elle cette vous nous été tout être fait "
    "je",
    "Spanish": "de la que el en y los se del las un por con una su para es al lo como más pero sus "
    "le ha me sin sobre este ya entre cuando todo esta ser son dos también fue había era "
    "muy hasta desde",
    "Italian": "di e il la che in un per è non una del le si della i con da sono nel al dei gli alla "
    "più come ma lo anche delle dal questo su ha o se nella essere ai tra ed questa loro",
    "Portuguese": "de a o que e do da em um para com não uma os no se na por mais as dos como mas ao "
    "ele das à seu sua ou quando muito nos já eu também só pelo pela até isso entre",
    "Dutch": "de het een van en in is dat op te zijn voor met die niet aan er om ook als dan maar "
    "bij nog uit wordt door naar heeft hij ze worden was over deze ik kan je meer geen zo",
}
_WORDS = {language: frozenset(words.split()) for language, words in _STOP_WORDS.items()}
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|https?://\S+", re.DOTALL)
_WORD = re.compile(r"[^\W\d_]+")
_FEWEST_LETTERS = 20
_FEWEST_WORDS = 12
_SCRIPT_SHARE = 0.7
_WORD_SHARE = 0.2
_LEAD = 1.5
_READ = 4_000
"""Characters that are looked at: enough to know, however long the text."""


def language_of(text: str) -> str | None:
    """Return the language of a text, or its script where that is all that can be told.

    Parameters
    ----------
    text
        Prose; code blocks and addresses in it are passed over.

    Returns
    -------
    str or None
        A language such as ``"English"``, or a script such as ``"Cyrillic"``; None when the text is too
        short, mixed, or in Latin letters without enough function words of one language.

    Examples
    --------
    >>> language_of("The ship is in the bay, and it was there all night with its lights on the water.")
    'English'
    >>> language_of("Das Schiff liegt in der Bucht, und es war die ganze Nacht mit Licht auf dem Wasser.")
    'German'
    >>> language_of("Ahoy, matey!") is None
    True
    """
    prose = _CODE.sub(" ", text[:_READ])
    script = _script(prose)
    return _latin(prose) if script == "Latin" else script


def _script(prose: str) -> str | None:
    counts: Counter[str | None] = Counter()
    for letter, number in Counter(prose).items():
        if letter.isalpha():
            counts[_script_of(letter)] += number
    letters = counts.total()
    if letters < (_FEWEST_LETTERS if counts["Latin"] * 2 > letters else _FEWEST_LETTERS // 2):
        return None
    # Japanese is written with Chinese characters too; its own syllables tell it apart.
    if counts["Japanese"] and counts["Japanese"] + counts["Chinese"] >= _SCRIPT_SHARE * letters:
        return "Japanese"
    script, most = counts.most_common(1)[0]
    return script if most >= _SCRIPT_SHARE * letters else None


@lru_cache(maxsize=4096)
def _script_of(letter: str) -> str | None:
    return _SCRIPTS.get(unicodedata.name(letter, "").partition(" ")[0])


def _latin(prose: str) -> str | None:
    words = [word.casefold() for word in _WORD.findall(prose)]
    if len(words) < _FEWEST_WORDS:
        return None
    counted = Counter(words)
    hits = {
        language: sum(counted[word] for word in known & counted.keys()) for language, known in _WORDS.items()
    }
    best, second = sorted(hits, key=lambda language: -hits[language])[:2]
    sure = hits[best] >= _WORD_SHARE * len(words) and hits[best] >= _LEAD * hits[second]
    return best if sure else None


LANGUAGES = frozenset(_STOP_WORDS) | frozenset(_SCRIPTS.values()) - {"Latin"}
"""Everything that `language_of` may answer."""
