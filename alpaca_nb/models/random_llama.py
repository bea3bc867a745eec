"""A LLaMA of about a million random parameters with its own small tokenizer, built in a second from a seed.

It knows nothing and is for tests and for the recipe `smoke`: the same architecture, files and special tokens as the
real thing (a BOS before every text, no pad token lost), nothing downloaded. The text below trains its byte-level BPE;
with Alpaca's own templates among it, a prompt's fixed words cost few tokens.
"""

from pathlib import Path

from alpaca_nb.models.quiet import quiet_transformers
from alpaca_nb.prompts import PROMPT_WITH_INPUT, PROMPT_WITHOUT_INPUT

BOS, EOS, PAD = "<s>", "</s>", "<pad>"
LARGEST_VOCABULARY = 1024
POSITIONS = 1024
TEXT = (
    PROMPT_WITH_INPUT,
    PROMPT_WITHOUT_INPUT,
    "Write a short answer to the question. Give the result as a number. What is the sum of the numbers below?",
    "Sort the words in the list from the first to the last letter. Count the words in the sentence. Say what it means.",
    "Translate the sentence. Find the largest number in the list. Convert the distance from miles to kilometres.",
    "The capital of France is Paris, and the capital of Germany is Berlin. Water boils at one hundred degrees.",
    "Name three animals that live in the water. A whale, a shark and an octopus live in the sea, and a frog in a pond.",
    "Is this sentence positive or negative? The film was long, but the story was good and the music was wonderful.",
    "Take out the email address from the text. Rewrite the sentence in the past tense. Which day comes after Monday?",
    "One, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve. January, February, March, April, May.",
    "A person wrote to us on Tuesday and asked for the price of the table with the green chairs; we answered by email.",
    "True or false: the Earth goes around the Sun. Explain how plants make their food from light, water and air.",
)


def build(folder: Path, seed: int) -> None:
    """Write model and tokenizer into `folder`; the same `seed` gives the same bytes."""
    with quiet_transformers():
        vocabulary_size = _write_tokenizer(folder)
        _write_model(folder, seed, vocabulary_size)


def _write_tokenizer(folder: Path) -> int:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=LARGEST_VOCABULARY,  # the text above has merges for about 700
        special_tokens=[BOS, EOS, PAD],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),  # every byte, so that any text has tokens
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXT, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", special_tokens=[(BOS, tokenizer.token_to_id(BOS))]
    )
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, bos_token=BOS, eos_token=EOS, pad_token=PAD, model_max_length=POSITIONS
    ).save_pretrained(folder)
    return int(tokenizer.get_vocab_size())


def _write_model(folder: Path, seed: int, vocabulary_size: int) -> None:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=vocabulary_size,
        hidden_size=128,
        intermediate_size=352,
        num_hidden_layers=5,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=POSITIONS,
        initializer_range=0.12,  # with LLaMA's 0.02 so small a model only repeats its last token
        tie_word_embeddings=True,
        bos_token_id=0,  # the order of special_tokens above
        eos_token_id=1,
        pad_token_id=2,
    )
    with torch.random.fork_rng(devices=[]):  # leave the caller's random state as it was
        torch.manual_seed(seed)
        LlamaForCausalLM(config).save_pretrained(folder)
