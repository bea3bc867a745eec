"""The tuned model as one file for llama.cpp: written, run, and compared with the model it came from.

`writing` makes the file out of a Hugging Face folder with the package `gguf` alone; `tokens` describes the tokenizer in
it; `llama_cpp` runs it (extra `gguf`); `checking` compares it with the original; `command` is `alpaca-nb export`.
"""
