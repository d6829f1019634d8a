"""The weights as they come out of the GGUF file, and their 4-bit form.

Needs the `gguf` package (extra `model`): import this module only while building.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from healthslm.errors import ModelError
from healthslm.slm.source import sha256

Matrix = NDArray[np.float32]
Bytes = NDArray[np.uint8]
BLOCK = 64
"""Weights that share one scale and zero point. With 32, the block of the file's Q4_1, a pass takes longer."""
_OURS = "Name the adapter.safetensors that `python -m healthslm.training` wrote, or leave it out."
_TOP = 15  # the largest 4-bit code


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The sizes of a Llama model. `head` is the width of one attention head."""

    layers: int
    width: int
    feed_forward: int
    heads: int
    kv_heads: int
    vocabulary: int
    context: int
    rope_base: float
    epsilon: float

    @property
    def head(self) -> int:
        """Width of one attention head."""
        return self.width // self.heads


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An opened GGUF: its sizes, its metadata, and its tensors by name (read when asked for).

    `adapter` is what was learned (`healthslm.training`): for a layer `blk.0.attn_q` its `.up` and `.down`,
    whose product is added to the layer.
    """

    shape: Shape
    metadata: Mapping[str, Any]
    tensors: Mapping[str, Any]
    adapter: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def adapted(self, name: str) -> Matrix:
        """Return a linear layer's matrix with the adapter added, float32; attention's in rotary order."""
        matrix = self.matrix(f"{name}.weight")
        if name.endswith(("attn_q", "attn_k")):
            matrix = _half_and_half(matrix, self.shape.heads if name.endswith("q") else self.shape.kv_heads)
        if f"{name}.up" in self.adapter:
            up, down = (self.adapter[f"{name}.{part}"].astype(np.float32) for part in ("up", "down"))
            if (up.shape[0], down.shape[1]) != matrix.shape:
                raise ModelError(
                    f"The adapter's matrices for {name} make {up.shape[0]} by {down.shape[1]}; the layer has "
                    f"{matrix.shape[0]} by {matrix.shape[1]}.",
                    _OURS,
                )
            matrix = matrix + up @ down
        return matrix

    def matrix(self, name: str) -> Matrix:
        """Return a tensor as float32, rows as the file has them. Raises `ModelError` when it is not there."""
        return _float32(self._tensor(name))

    def rounded(self, name: str) -> FourBit:
        """Return a tensor in 4 bits, without it ever being in memory as float32. Raises as `matrix`."""
        tensor = self._tensor(name)
        starts = range(0, len(tensor.data), _ROWS)
        return _joined([_rounded(_float32(tensor, slice(start, start + _ROWS))) for start in starts])

    def _tensor(self, name: str) -> Any:
        try:
            return self.tensors[name]
        except KeyError:
            raise ModelError(f"The GGUF file has no tensor {name}.", "Use the pinned file.") from None

    def attention(self, layer: int) -> Matrix:
        """Return the query, key and value rows of a layer as one matrix."""
        return np.concatenate([self.adapted(f"blk.{layer}.attn_{part}") for part in "qkv"])

    def gate_and_up(self, layer: int) -> Matrix:
        """Return the gate's rows and the up projection's of a layer as one matrix."""
        return np.concatenate([self.adapted(f"blk.{layer}.ffn_{part}") for part in ("gate", "up")])


def _float32(tensor: Any, rows: slice = slice(None)) -> Matrix:
    """Return rows of a GGUF tensor as float32."""
    return np.asarray(dequantize(tensor.data[rows], tensor.tensor_type), dtype=np.float32)


def _half_and_half(rows: Matrix, heads: int) -> Matrix:
    """Undo llama.cpp's order of query and key rows: it interleaves the two halves that RoPE rotates."""
    n, k = rows.shape
    return rows.reshape(heads, n // heads // 2, 2, k).swapaxes(1, 2).reshape(n, k)


def open_gguf(path: Path, adapter: Mapping[str, NDArray[Any]] | None = None) -> Source:
    """Open a GGUF file of a Llama model, with an adapter to add. Raises `ModelError` for anything else."""
    try:
        reader = GGUFReader(path)
        data = {name: part.contents() for name, part in reader.fields.items()}
        shape = Shape(
            layers=data["llama.block_count"],
            width=data["llama.embedding_length"],
            feed_forward=data["llama.feed_forward_length"],
            heads=data["llama.attention.head_count"],
            kv_heads=data["llama.attention.head_count_kv"],
            vocabulary=len(data["tokenizer.ggml.tokens"]),
            context=data["llama.context_length"],
            rope_base=data["llama.rope.freq_base"],
            epsilon=data["llama.attention.layer_norm_rms_epsilon"],
        )
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise ModelError(f"{path} is not a GGUF file of a Llama model ({error}).") from error
    return Source(
        shape=shape, metadata=data, tensors={t.name: t for t in reader.tensors}, adapter=adapter or {}
    )


_LEARNED = re.compile(r"(blk\.\d+\.(?:attn_(?:q|k|v|output)|ffn_(?:gate|up|down)))\.(up|down)")


def open_adapter(path: Path) -> Mapping[str, NDArray[Any]]:
    """Read an adapter's matrices by name: a pair for a layer, whose product is added to it.

    Raises `ModelError` naming the file's hash for what is none: matrices of another model, or not finite.
    """
    try:
        found = dict(load_file(path))
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path} cannot be read as an adapter: {error}.", _OURS) from error
    if why := _not_ours(found):
        raise ModelError(f"{path} (SHA-256 {sha256(path)}) is no adapter for this model: {why}.", _OURS)
    return found


def _not_ours(found: Mapping[str, NDArray[Any]]) -> str:
    """Say why some matrices are no adapter; empty where they are one."""
    if not found:
        return "there is nothing in it"
    for name, matrix in found.items():
        known = _LEARNED.fullmatch(name)
        if known is None:
            return f"{name!r} is no layer of it"
        if matrix.ndim != 2 or matrix.dtype.kind != "f" or not np.isfinite(matrix).all():
            return f"{name} is not a matrix of finite numbers"
        up, down = (found.get(f"{known[1]}.{part}") for part in ("up", "down"))
        if up is None or down is None or up.ndim != 2 or down.ndim != 2 or up.shape[1] != down.shape[0]:
            return f"{known[1]} has no pair of matrices that fit each other"
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FourBit:
    """A matrix of N rows in 4 bits, as `MatMulNBits` takes it.

    `codes` (N, blocks, 32) holds two codes a byte, the lower half first; `scales` (N, blocks) float32;
    `zeros` (N, ceil(blocks / 2)) two zero points a byte. A weight is (code - zero) * scale.
    """

    codes: Bytes
    scales: Matrix
    zeros: Bytes
    rows: int
    columns: int

    def matrix(self) -> Matrix:
        """Return what the 4 bits stand for, as float32 (N, K)."""
        blocks = self.scales.shape[1]
        codes = np.stack([self.codes & 15, self.codes >> 4], axis=-1).reshape(self.rows, blocks, BLOCK)
        zeros = np.stack([self.zeros & 15, self.zeros >> 4], axis=-1).reshape(self.rows, -1)[:, :blocks]
        values = (codes.astype(np.float32) - zeros[..., None].astype(np.float32)) * self.scales[..., None]
        return values.reshape(self.rows, self.columns)


_STRETCHES = (1.0, 0.93, 1.06)
"""Scales to begin the fit with, as parts of the block's range over 15. More were tried and gave little more:
the squared error over five layers is 0.90 % of the weights' by plain rounding, 0.84 % with a fitted scale,
0.80 % with these three."""


_ROWS = 1024
"""Rows that are rounded at a time: the vocabulary's 49,152 at once are too much for a 512 MB board."""


def four_bit(matrix: Matrix) -> FourBit:
    """Round a matrix (N, K), K a multiple of 64, to 4 bits with a whole zero point for each block of 64."""
    return _joined([_rounded(matrix[start : start + _ROWS]) for start in range(0, len(matrix), _ROWS)])


def _joined(parts: Sequence[FourBit]) -> FourBit:
    """Put the rows of several matrices below each other."""
    return FourBit(
        codes=np.concatenate([part.codes for part in parts]),
        scales=np.concatenate([part.scales for part in parts]),
        zeros=np.concatenate([part.zeros for part in parts]),
        rows=sum(part.rows for part in parts),
        columns=parts[0].columns,
    )


def _rounded(matrix: Matrix) -> FourBit:
    """Round a few rows, each by itself.

    The file's Q4_1 blocks have a free minimum; the runtime's fast kernels want a whole zero point. Both
    neighbours of the ideal one are tried, each with a few scales fitted by least squares; the best is kept.
    """
    n, k = matrix.shape
    blocks = matrix.reshape(n, k // BLOCK, BLOCK)
    low, high = np.minimum(blocks.min(-1), 0), np.maximum(blocks.max(-1), 0)
    span = np.maximum(high - low, 1e-8) / _TOP
    floor = np.floor(-low / span)
    codes = np.zeros(blocks.shape, dtype=np.uint8)
    scales, zeros = span.copy(), floor.copy()
    losses = np.full(span.shape, np.inf, dtype=np.float32)
    for up, stretch in itertools.product((0, 1), _STRETCHES):
        zero = np.clip(floor + up, 0, _TOP).astype(np.float32)
        tried, scale, loss = _fit(blocks, zero, (span * stretch).astype(np.float32))
        better = loss < losses
        codes[better], scales[better] = tried[better], scale[better]
        zeros[better], losses[better] = zero[better], loss[better]
    whole = zeros.astype(np.uint8)
    if whole.shape[1] % 2:
        whole = np.pad(whole, ((0, 0), (0, 1)))
    return FourBit(
        codes=_pair(codes),
        scales=scales.astype(np.float32),
        zeros=_pair(whole),
        rows=n,
        columns=k,
    )


def _pair(codes: Bytes) -> Bytes:
    """Two codes a byte along the last axis, the lower half first."""
    return (codes[..., 0::2] | (codes[..., 1::2] << 4)).astype(np.uint8)


def _steps(blocks: Matrix, zero: Matrix, scale: Matrix) -> Matrix:
    """The nearest codes for a zero point and scale, less the zero point."""
    z = zero[..., None]
    codes: Matrix = np.clip(np.rint(blocks / scale[..., None] + z), 0, _TOP)
    return codes - z


def _fit(blocks: Matrix, zero: Matrix, scale: Matrix) -> tuple[Bytes, Matrix, Matrix]:
    """Choose codes and then the scale that brings them nearest, twice; return codes, scale, squared error."""
    for _ in range(2):
        steps = _steps(blocks, zero, scale)
        square = np.einsum("nbi,nbi->nb", steps, steps)
        fitted = np.einsum("nbi,nbi->nb", steps, blocks) / np.maximum(square, 1e-12)
        scale = np.where(fitted > 0, fitted, scale).astype(np.float32)
    steps = _steps(blocks, zero, scale)
    off = blocks - steps * scale[..., None]
    codes = (steps + zero[..., None]).astype(np.uint8)
    return codes, scale, np.einsum("nbi,nbi->nb", off, off)
