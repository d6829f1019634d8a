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
_TURN = "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"
PROMPTS = (
    _TURN.format("Question: how high did my pulse get yesterday?"),
    _TURN.format("Question: any red flags in the last three days") + "findings",
    _TURN.format("Question: can i skip my water tablet today"),
    _TURN.format("Tell: fever: temperature 38.9 °C at 14:20"),
    _TURN.format("Tell: heart rate: average 72 bpm, lowest 54 bpm, highest 118 bpm") + "Your heart rate",
    _TURN.format("Report: low glucose: sensor glucose 52 mg/dL at 07:14") + "The sensor glucose was low",
    _TURN.format("Note: a bit light-headed when I get up, been like that since the weekend"),
    _TURN.format("Note: walked the dog along the canal, felt grand"),
)
"""Of the three jobs that the model was tuned for: what it says to anything else is of no account."""


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
    """The file's weights with the adapter that comes along, in float32."""
    from healthslm.slm.model import comes_along  # noqa: PLC0415  only when run
    from healthslm.slm.weights import open_adapter, open_gguf  # noqa: PLC0415  imports gguf

    adapter = comes_along()
    source = open_gguf(path, {} if adapter is None else open_adapter(adapter))
    get = source.matrix
    return Weights(
        embedding=get("token_embd.weight"),
        layers=[
            Layer(
                get(f"blk.{i}.attn_norm.weight"),
                source.attention(i),
                source.adapted(f"blk.{i}.attn_output"),
                get(f"blk.{i}.ffn_norm.weight"),
                *(source.adapted(f"blk.{i}.ffn_{part}") for part in ("gate", "up", "down")),
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
        unpack = np.stack([codes & 15, codes >> 4], -1).reshape(rows, blocks, 64).astype(np.float32)
        zero = np.stack([zeros & 15, zeros >> 4], -1).reshape(rows, -1)[:, :blocks].astype(np.float32)
        return ((unpack - zero[..., None]) * scales[..., None]).reshape(rows, blocks * 64)

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
