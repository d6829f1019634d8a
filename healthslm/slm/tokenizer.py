"""The tokenizer files, written from the vocabulary and merges in the GGUF: for others, and our own.

SmolLM2 splits text as GPT-2 does (byte-level BPE), but every digit is a token of its own: the source of
`tokenizer.ggml.pre = smollm` is llama.cpp, src/llama-vocab.cpp.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from healthslm.errors import ModelError
from healthslm.slm import tokens as compact

_CONTROL = 3  # GGUF token type of a special token


def write_tokenizer(metadata: Mapping[str, Any], folder: Path) -> None:
    """Write `tokenizer.json`, `tokenizer_config.json` and `tokens.npy`.

    Raises `ModelError` for another family.
    """
    family = (metadata.get("tokenizer.ggml.model"), metadata.get("tokenizer.ggml.pre"))
    if family != ("gpt2", "smollm"):
        raise ModelError(f"The GGUF file's tokenizer is {family}, not SmolLM2's.", "Use the pinned file.")
    tokens: list[str] = metadata["tokenizer.ggml.tokens"]
    types: list[int] = metadata["tokenizer.ggml.token_type"]
    special = [
        (i, token) for i, (token, type_) in enumerate(zip(tokens, types, strict=True)) if type_ == _CONTROL
    ]
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    added = [{"id": i, "content": token, **flags} for i, token in special]
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    document = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [{"type": "Digits", "individual_digits": True}, level],
        },
        "post_processor": None,
        "decoder": level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "vocab": {token: i for i, token in enumerate(tokens)},
            "merges": metadata["tokenizer.ggml.merges"],
        },
    }
    names = {
        role: tokens[metadata[f"tokenizer.ggml.{key}_token_id"]]
        for role, key in (("bos", "bos"), ("eos", "eos"), ("unk", "unknown"), ("pad", "padding"))
    }
    config = {
        "tokenizer_class": "GPT2Tokenizer",
        "add_prefix_space": False,
        "clean_up_tokenization_spaces": False,
        "model_max_length": metadata["llama.context_length"],
        "added_tokens_decoder": {str(i): {"content": token, **flags} for i, token in special},
        **{f"{role}_token": token for role, token in names.items()},
    }
    for name, content in (("tokenizer.json", document), ("tokenizer_config.json", config)):
        (folder / name).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    compact.write(tokens, metadata["tokenizer.ggml.merges"], [i for i, _ in special], folder)
