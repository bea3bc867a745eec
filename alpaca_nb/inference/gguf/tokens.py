"""A Hugging Face tokenizer as llama.cpp's: the part of a GGUF file that goes wrong silently.

Three traps, each refused or checked here, and all of them by `checking.same_tokens` afterwards:
- scores: a SentencePiece vocabulary without its scores tokenizes wrongly, and only `tokenizer.model` has them;
- the pre-tokenizer: byte-level vocabularies look alike, and llama.cpp knows the rule by a name only;
- the size: the embedding may have more rows than the tokenizer has tokens (never fewer).
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from alpaca_nb.errors import ModelError
from alpaca_nb.prompts import PROMPT_WITHOUT_INPUT

if TYPE_CHECKING:
    from gguf import GGUFWriter

Token = TypeVar("Token")

# llama.cpp's names (llama-vocab.cpp) for the rules of tokenizer.json; a rule that is not here is refused.
BYTES = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}
DIGITS = {"type": "Digits", "individual_digits": True}
NAMES_OF_RULES = (("smollm", [DIGITS, BYTES]), ("gpt-2", [BYTES]))
# Whatever conversation a program sends, the last message is the instruction: Alpaca is single-turn.
CHAT_TEMPLATE = PROMPT_WITHOUT_INPUT.replace("{instruction}", "{{ messages[-1]['content'] }}")


def add_tokenizer(writer: "GGUFWriter", folder: Path, rows: int) -> None:
    """Describe the folder's tokenizer for an embedding of `rows` rows; raises `ModelError` where it cannot be done."""
    if (folder / "tokenizer.model").is_file():
        _add_sentencepiece(writer, folder, rows)
    else:
        _add_byte_level(writer, folder, rows)
    ends = ("bos_token_id", "eos_token_id", "pad_token_id", "unk_token_id")
    for name, token in zip(ends, special_ids(folder), strict=True):
        if token is not None:
            getattr(writer, f"add_{name}")(token)
    writer.add_add_bos_token(begins_with_bos(folder))
    writer.add_add_eos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def special_ids(folder: Path) -> tuple[int | None, ...]:
    """The tokens that begin, end, pad and stand for the unknown; the model's own word on the end comes first."""
    from alpaca_nb.models import load_tokenizer

    tokenizer = load_tokenizer(folder)
    configuration = folder / "generation_config.json"
    end = json.loads(configuration.read_text(encoding="utf-8")).get("eos_token_id") if configuration.is_file() else None
    end = end[0] if isinstance(end, list) else end
    return (
        tokenizer.bos_token_id,
        tokenizer.eos_token_id if end is None else end,
        tokenizer.pad_token_id,
        tokenizer.unk_token_id,
    )


def begins_with_bos(folder: Path) -> bool:
    """Whether the tokenizer puts its first token before every text, which llama.cpp must then do as well."""
    from alpaca_nb.models import load_tokenizer

    tokenizer = load_tokenizer(folder)
    return tokenizer.bos_token_id is not None and tokenizer("a").input_ids[0] == tokenizer.bos_token_id


def _add_byte_level(writer: "GGUFWriter", folder: Path, rows: int) -> None:
    from gguf import TokenType

    spec = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    model = spec["model"]
    if model.get("type") != "BPE" or model.get("byte_fallback"):
        raise ModelError(
            f"{folder}: its vocabulary is SentencePiece's, whose scores tokenizer.json does not hold; put the base "
            "model's tokenizer.model beside it and export again (without the scores llama.cpp would read texts wrongly)"
        )
    ids: dict[str, int] = dict(model["vocab"])
    kinds = dict.fromkeys(ids, TokenType.NORMAL)
    for token in spec.get("added_tokens", ()):
        ids[token["content"]] = token["id"]
        kinds[token["content"]] = TokenType.CONTROL if token["special"] else TokenType.USER_DEFINED
    texts = _filled({number: text for text, number in ids.items()}, rows, folder)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(_name_of_rule(spec.get("pre_tokenizer"), folder))
    writer.add_token_list(texts)
    writer.add_token_types([kinds.get(text, TokenType.UNUSED) for text in texts])
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]])


def _add_sentencepiece(writer: "GGUFWriter", folder: Path, rows: int) -> None:
    try:
        from gguf.vocab import SentencePieceVocab

        vocabulary = SentencePieceVocab(folder)
    except ImportError as error:
        raise ModelError(f"tokenizer.model is read with sentencepiece ({error}): pip install -e '.[gguf]'") from None
    from gguf import TokenType

    found = list(vocabulary.all_tokens())
    texts = _filled(dict(enumerate(found)), rows, folder)
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([item if isinstance(item, str) else str(item[0], "utf-8") for item in texts])
    writer.add_token_scores([-1000.0 if isinstance(item, str) else item[1] for item in texts])
    writer.add_token_types([TokenType.UNUSED if isinstance(item, str) else item[2] for item in texts])


def _filled(by_id: dict[int, Token], rows: int, folder: Path) -> list[Token | str]:
    """One entry for each row of the embedding: rows that no token has get a name that no text holds."""
    if max(by_id) >= rows:
        raise ModelError(
            f"{folder}: the tokenizer has the token number {max(by_id)}, the model's embedding only {rows} rows; "
            "they do not belong together"
        )
    return [by_id.get(number, f"[PAD{number}]") for number in range(rows)]


def _name_of_rule(rule: object, folder: Path) -> str:
    steps = rule.get("pretokenizers", [rule]) if isinstance(rule, dict) else []
    for name, wanted in NAMES_OF_RULES:
        if len(steps) == len(wanted) and all(w.items() <= s.items() for w, s in zip(wanted, steps, strict=True)):
            return name
    raise ModelError(
        f"{folder}: the kit does not know llama.cpp's name for this pre_tokenizer ({json.dumps(rule):.200}); "
        "a wrong name would tokenize wrongly without an error. Use llama.cpp's own convert_hf_to_gguf.py"
    )
