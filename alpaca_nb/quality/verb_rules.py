"""Verb and object of an instruction by a few rules: the light way, for machines without a parser.

An instruction is nearly always an imperative, so its verb stands in front, after a polite word or a subordinate part
("Given a list of numbers, find …"), and its object is the last word before the next preposition or comma. That is a
guess, and every figure drawn from it says so.
"""

import itertools
import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


VERBS = _words(
    """
    account add adapt adjust aggregate alphabetize analyse analyze annotate answer apply appraise argue arrange
    ask assemble assess assign assume automate brainstorm break build calculate capitalize caption categorise
    categorize change characterize check choose cite clarify classify clean collect combine come comment compare
    compile complete compose compress compute condense conduct connect consider construct continue contrast
    convert copy correct count create critique cross cut decide decode deduce define delete demonstrate derive
    describe design detect determine develop devise diagnose differentiate discover discuss display distinguish
    divide do document download draft draw edit elaborate eliminate embed encode enter enumerate establish
    estimate evaluate examine execute expand explain explore express extend extract extrapolate fill filter find
    finish fix follow form format formulate generate get give group guess help highlight hypothesize identify
    illustrate imagine implement improve include increase increment infer input insert inspect interpret
    introduce invent investigate join judge justify label link list locate look make match measure mention merge
    model modify move multiply name narrate normalize note number offer optimize order organise organize outline
    output paraphrase parse pay perform personalize pick plan play point predict prepare present pretend print
    prioritize produce proofread propose prove provide publish put quote rank rate read rearrange reason recall
    recite recognize recommend reconstruct record recreate redact reduce refactor refer reflect reformat
    reformulate reframe regroup relate remove render reorder reorganize repeat rephrase replace reply report
    represent research resolve respond restate restructure retell retrieve return reverse review revise reword
    rewrite rotate round scan score search select send separate set share shorten show simplify simulate sketch
    solve sort specify speculate spell split spot start state store structure subtract suggest sum summarise
    summarize supply support suppose swap synthesize tag take teach tell test think trace train transcribe
    transform translate traverse trim try turn update use verify visualize weigh write deduct duplicate figure
    indicate isolate lead mark mix practice process program punch speak switch talk type apologise apologize
    capitalise characterise complain defend punctuate say warn
    """
)
QUESTION_WORDS = _words(
    """
    what who whom whose which where when why how is are was were do does did can could will would should has
    have
    """
)
_BEFORE_THE_VERB = _words(
    """
    please kindly let now then first next also just briefly can could would will you i we want need would like
    to should must are am asked is your task it let's lets help me us try and so the user
    """
)
_SUBJECTS = _words("i we you it the user")
MOST_SENTENCES = 4
MOST_PARTS = 12  # between commas, tried for a verb; each is read to the end of its sentence
_STOPS = _words(
    """
    of for about in on at to from with by as that which who whose where when how why what if whether so and or
    but using based between into containing including describing explaining is are was were has have had can
    could would should will such than without through within over under after before during against among
    because while regarding related concerning via per like not be according
    """
)
_STOPS_AFTER_A_NOUN = _words(
    "given provided called titled named listed written made used below above just only else alone around"
)
_NO_NOUNS = _words(
    """
    nothing everything something anything alone instead else a an the this that these those some any each every
    all both no my your his her its our their me us him them it you yourself following given provided least most
    two three four five six seven eight nine ten few several
    """
)
_PARTICLES = _words("up out together off down in with of at into for")
_PHRASAL = _words("come think fill make put look figure carry point break turn take")
_TOKEN = re.compile(r"\w+(?:['’-]\w+)*|[^\w\s]")
_FROM_TO = re.compile(r"\b\d+\s*(?:to|or|-|–)\s*(?=\d)")
_BEFORE_THE_OBJECT = re.compile(r"\b(?:in detail|at least|at most|up to)\b", re.IGNORECASE)
_IRREGULAR = {
    "children": "child",
    "cookies": "cookie",
    "criteria": "criterion",
    "men": "man",
    "movies": "movie",
    "people": "people",
    "women": "woman",
    "yes": "yes",
}


def verb_and_object(instruction: str) -> tuple[str, str] | None:
    """(verb, object) in their dictionary forms; the object may be empty, and None means that no verb was found.

    A question's first word stands for its verb: ("what", "capital").
    """
    text = _BEFORE_THE_OBJECT.sub("", _FROM_TO.sub("", instruction)).lower()
    sentences = [part for part in re.split(r"(?<=[.!?:])\s+|\n", text.strip()) if part][:MOST_SENTENCES]
    for sentence in sentences:
        parts = sentence.split(",")
        for start in range(
            min(len(parts), MOST_PARTS)
        ):  # "given a list of numbers, find …": the verb may follow a comma
            if found := _pair(_TOKEN.findall(",".join(parts[start:]))):
                return found
    first = _TOKEN.findall(sentences[0]) if sentences else []
    if (
        len(first) > 1
        and first[1] in _NO_NOUNS
        and first[0].isalpha()
        and first[0] not in _STOPS | _NO_NOUNS | _BEFORE_THE_VERB
    ):
        return first[0], _object(first[0], first[1:])  # "comfort a friend": no verb of the list, but it looks like one
    return None


def _pair(tokens: list[str]) -> tuple[str, str] | None:
    """The pair, if a known verb or a question opens these words."""
    start = 0
    while start < len(tokens) and (tokens[start] in _BEFORE_THE_VERB or _is_adverb(tokens[start])):
        polite = "".join(tokens[start + 1 : start + 2]) in _BEFORE_THE_VERB  # "can you", but not "can fish"
        if tokens[start] in QUESTION_WORDS and not polite and not _SUBJECTS & set(tokens[:start]):
            break
        start += 1
    verb = "".join(tokens[start : start + 1])
    rest = tokens[start + 1 :]
    if verb.startswith("re-"):
        verb = verb.replace("-", "")
    if verb in QUESTION_WORDS and not _SUBJECTS & set(tokens[:start]) and rest[:1] != ["not"]:
        return verb, _asked_for(rest) if verb in ("what", "which") else ""
    return (verb, _object(verb, rest)) if verb in VERBS else None


def _is_adverb(word: str) -> bool:
    return word.endswith("ly") and word not in VERBS


def _object(verb: str, tokens: list[str]) -> str:
    """The noun that an imperative works on, or an empty text."""
    if len(tokens) > 1 and tokens[0] in ("and", "or", "/") and tokens[1] in VERBS:  # compare and contrast
        tokens = tokens[2:]
    while verb in _PHRASAL and tokens and tokens[0] in _PARTICLES:  # come up with
        tokens = tokens[1:]
    return _head(tokens)


def _asked_for(tokens: list[str]) -> str:
    """The noun after what or which: "what is the capital of …", "which two cities …"."""
    if tokens and tokens[0] in QUESTION_WORDS:
        return _head(tokens[1:])
    nouns = [token for token in tokens[:3] if token not in _NO_NOUNS and token.isalpha()]
    return singular(nouns[0]) if nouns and nouns[0] not in _STOPS else ""


def _head(tokens: list[str]) -> str:
    """The last word before a preposition, a comma or a participle; articles and numbers are no heads."""
    phrase: list[str] = []
    for token, after in itertools.pairwise([*tokens, ""]):
        noun_before = any(word not in _NO_NOUNS and not word.isdigit() for word in phrase)
        goes_on = token in _STOPS_AFTER_A_NOUN or (token.endswith("ing") and after in _NO_NOUNS)
        if token in _STOPS or not token[0].isalnum() or (goes_on and noun_before):
            break
        phrase.append(token)
    while phrase and (_is_adverb(phrase[-1]) or (len(phrase) > 1 and re.search(r"[^e]ed$", phrase[-1]))):
        phrase.pop()  # "three challenges faced", "write clearly"
    if not phrase or phrase[-1] in _NO_NOUNS or phrase[-1].isdigit():
        return ""
    return singular(re.sub(r"['’]s$", "", phrase[-1]))


def singular(noun: str) -> str:
    """The noun without its plural ending, as far as spelling tells."""
    if noun in _IRREGULAR:
        return _IRREGULAR[noun]
    if noun.endswith("ies") and len(noun) > 4:
        return f"{noun[:-3]}y"
    if re.search(r"(?:s|x|z|ch|sh)es$", noun) and not noun.endswith(("ases", "oses", "nses", "ises", "uses", "rses")):
        return noun[:-2]
    return noun[:-1] if re.search(r"[^siu]s$", noun) else noun
