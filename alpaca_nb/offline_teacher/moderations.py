"""`/v1/moderations` by words: a category is flagged where one of its words stands in the text, and nowhere else.

It judges nothing, and the name it gives says so; it is there so that a moderated demo can be run and tested with both
outcomes. The thirteen categories, and the fields, are those of OpenAI's omni-moderation.
"""

import hashlib
import re

from alpaca_nb.files import Json
from alpaca_nb.offline_teacher.refusals import bad_value

MODERATOR = "offline-word-list"
_HIGH, _LOW = 0.93, 0.004  # scores of a flagged category and of the others
_WORDS = {
    "harassment": "idiot idiots loser losers moron morons",
    "harassment/threatening": "",
    "hate": "subhuman vermin",
    "hate/threatening": "exterminate",
    "illicit": "counterfeit launder shoplift",
    "illicit/violent": "bomb bombs explosive explosives",
    "self-harm": "suicide suicidal",
    "self-harm/instructions": "",
    "self-harm/intent": "",
    "sexual": "pornographic pornography",
    "sexual/minors": "",
    "violence": "behead bomb bombs kill killing massacre murder stab torture",
    "violence/graphic": "behead gore",
}
_WORDS_OF = {category: frozenset(words.split()) for category, words in _WORDS.items()}


def moderate(body: dict[str, Json]) -> Json:
    """The body of a response; raises `ApiError` where `input` is neither a text nor a list of texts."""
    texts = _texts(body.get("input"))
    digest = hashlib.sha256(repr(texts).encode()).hexdigest()
    return {"id": f"modr-{digest[:24]}", "model": MODERATOR, "results": [_result(text) for text in texts]}


def _texts(value: Json) -> list[str]:
    """The texts to judge, one result each; the parts of one multimodal input are one text."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and value and all(isinstance(text, str) for text in value):
        return [str(text) for text in value]
    if isinstance(value, list) and value and all(isinstance(part, dict) for part in value):
        parts = [part.get("text") for part in value if isinstance(part, dict)]
        if all(isinstance(text, str) for text in parts):
            return ["\n".join(map(str, parts))]
    raise bad_value("input", "'input' must be a string, a list of strings, or a list of text parts.")


def _result(text: str) -> Json:
    words = set(re.findall(r"[a-z]+", text.lower()))
    found = {category: bool(words & its) for category, its in _WORDS_OF.items()}
    return {
        "flagged": any(found.values()),
        "categories": dict(found),
        "category_scores": {category: _HIGH if is_found else _LOW for category, is_found in found.items()},
        "category_applied_input_types": {category: ["text"] for category in found},
    }
