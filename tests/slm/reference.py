"""A float32 forward pass of the same network in plain numpy, to compare the runtime with.

Independent of onnxruntime and of the graph builder: written from the Llama architecture (RMS norm, rotary
half-and-half embedding, grouped-query attention, SiLU-gated feed-forward, tied output).

    python tests/slm/reference.py GGUF    writes tests/data/slm/float32_logits.json anew
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
HEADS, KV_HEADS, LAYERS, BASE, EPSILON = 9, 3, 30, 100_000.0, 1e-5
KEPT = 64
VECTORS = Path(__file__).parents[1] / "data" / "slm" / "float32_logits.json"
PROMPTS = (
    "The capital of France is",
    "<|im_start|>user\nWhat is a normal body temperature?<|im_end|>\n<|im_start|>assistant\n",
    "<|im_start|>system\nWrite the fact as one plain sentence.<|im_end|>\n<|im_start|>user\n"
    "fever: temperature 38.9 °C at 14:20<|im_end|>\n<|im_start|>assistant\n",
    "Your heart rate averaged 72 bpm and ranged between 54 and",
    "def mean(values):\n    return sum(values) /",
    "Once upon a time there was a little girl who lived in a",
    "Water boils at a temperature of 100 degrees",
    "<|im_start|>user\nName a fruit.<|im_end|>\n<|im_start|>assistant\nA fruit is an",
)


@dataclass(frozen=True)
class Layer:
    attention_norm: Floats
    qkv: Floats
    output: Floats
    feed_forward_norm: Floats
    gate: Floats
    up: Floats
    down: Floats


@dataclass(frozen=True)
class Weights:
    embedding: Floats
    layers: Sequence[Layer]
    norm: Floats


def _rms(x: Floats, scale: Floats) -> Floats:
    return (x / np.sqrt((x**2).mean(-1, keepdims=True) + EPSILON) * scale).astype(np.float32)


def _rotate(x: Floats) -> Floats:
    _heads, length, width = x.shape
    speeds = 1.0 / BASE ** (np.arange(0, width, 2) / width)
    angles = np.outer(np.arange(length), speeds)
    cos, sin = np.cos(angles), np.sin(angles)
    first, second = x[..., : width // 2], x[..., width // 2 :]
    return np.concatenate([first * cos - second * sin, second * cos + first * sin], -1).astype(np.float32)


def _attend(x: Floats, layer: Layer) -> Floats:
    length, width = x.shape
    head = width // HEADS
    q, k, v = np.split(x @ layer.qkv.T, [width, width + KV_HEADS * head], axis=1)
    q, k, v = (part.reshape(length, -1, head).swapaxes(0, 1) for part in (q, k, v))
    q, k = _rotate(q), _rotate(k)
    k, v = (np.repeat(part, HEADS // KV_HEADS, axis=0) for part in (k, v))
    scores = q @ k.swapaxes(1, 2) / np.sqrt(head) + np.triu(np.full((length, length), -np.inf), 1)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    mixed = (weights @ v).swapaxes(0, 1).reshape(length, width).astype(np.float32)
    return mixed @ layer.output.T


def logits(weights: Weights, ids: Sequence[int]) -> Floats:
    """The scores of the token after `ids`: shape (vocabulary,)."""
    x = weights.embedding[list(ids)]
    for layer in weights.layers:
        x = x + _attend(_rms(x, layer.attention_norm), layer)
        h = _rms(x, layer.feed_forward_norm)
        gate = h @ layer.gate.T
        x = x + (gate / (1 + np.exp(-gate)) * (h @ layer.up.T)) @ layer.down.T
    return _rms(x[-1], weights.norm) @ weights.embedding.T


def from_gguf(path: Path) -> Weights:
    """The file's weights, dequantised to float32."""
    from healthslm.slm.weights import open_gguf  # noqa: PLC0415  imports gguf

    source = open_gguf(path)
    get = source.matrix
    return Weights(
        embedding=get("token_embd.weight"),
        layers=[
            Layer(
                get(f"blk.{i}.attn_norm.weight"),
                source.attention(i),
                get(f"blk.{i}.attn_output.weight"),
                get(f"blk.{i}.ffn_norm.weight"),
                get(f"blk.{i}.ffn_gate.weight"),
                get(f"blk.{i}.ffn_up.weight"),
                get(f"blk.{i}.ffn_down.weight"),
            )
            for i in range(LAYERS)
        ],
        norm=get("output_norm.weight"),
    )


def from_onnx(folder: Path) -> Weights:
    """The built model's 4-bit weights, as float32."""
    import onnx  # noqa: PLC0415  only this needs it
    from onnx import numpy_helper  # noqa: PLC0415  only this needs it

    graph = onnx.load(str(folder / "model.onnx")).graph
    tensors: Mapping[str, NDArray[np.float32]] = {t.name: numpy_helper.to_array(t) for t in graph.initializer}

    def matrix(name: str) -> Floats:
        codes, scales = tensors[f"{name}.codes"], tensors[f"{name}.scales"]
        rows, blocks = scales.shape
        zeros = tensors[f"{name}.zeros"].reshape(rows, -1)
        unpack = np.stack([codes & 15, codes >> 4], -1).reshape(rows, blocks, 32).astype(np.float32)
        zero = np.stack([zeros & 15, zeros >> 4], -1).reshape(rows, -1)[:, :blocks].astype(np.float32)
        return ((unpack - zero[..., None]) * scales[..., None]).reshape(rows, blocks * 32)

    def layer(i: int) -> Layer:
        name = f"blk.{i}."
        norm = "blk.0.attn_norm" if i == 0 else f"blk.{i - 1}.next_norm"
        return Layer(
            tensors[norm],
            matrix(f"{name}qkv"),
            matrix(f"{name}attn_output"),
            tensors[f"{name}ffn_norm"],
            *np.split(matrix(f"{name}ffn_gate_up"), 2),
            matrix(f"{name}ffn_down"),
        )

    layers = [layer(i) for i in range(LAYERS)]
    return Weights(embedding=matrix("embedding"), layers=layers, norm=tensors[f"blk.{LAYERS - 1}.next_norm"])


def summarise(scores: Floats, tokens: Sequence[int]) -> Floats:
    """The probabilities of some tokens, and of all others together: shape (len(tokens) + 1,)."""
    weights = np.exp(scores.astype(np.float64) - scores.max())
    weights /= weights.sum()
    kept = weights[list(tokens)]
    return np.append(kept, max(1 - kept.sum(), 1e-12)).astype(np.float32)


def main() -> None:
    from healthslm import settings  # noqa: PLC0415  only when run
    from healthslm.slm.runtime import Engine  # noqa: PLC0415  only for its tokenizer

    engine = Engine(settings.load().model)
    weights = from_gguf(Path(sys.argv[1]))
    rows = []
    for prompt in PROMPTS:
        ids = engine.encode(prompt)
        scores = logits(weights, ids)
        tokens = [int(i) for i in np.argsort(scores)[::-1][:KEPT]]
        shares = [float(f"{p:.6g}") for p in summarise(scores, tokens)]
        rows.append({"prompt": prompt, "ids": ids, "tokens": tokens, "probabilities": shares})
    VECTORS.write_text(json.dumps(rows, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
