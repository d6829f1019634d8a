"""The ONNX graph of a Llama model over 4-bit weights, with the runtime's own fused operators.

Operators: `GatherBlockQuantized`, `MatMulNBits`, `GroupQueryAttention`, `SkipSimplifiedLayerNormalization` of
the domain `com.microsoft` (onnxruntime, docs/ContribOperators.md). The embedding is one tensor used twice:
looked up at the start, multiplied with at the end. Needs the `onnx` package (extra `model`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from healthslm.slm.weights import BLOCK, FourBit, Matrix, Shape, Source, four_bit

CONTRIB = "com.microsoft"
DATA_FILE = "model.onnx.data"
_ACTIVATIONS_8_BIT = 4
"""`accuracy_level` 4: activations are rounded to 8 bits, about three times as fast as 32 bits on a CPU."""
_INT64_MAX = 2**63 - 1


@dataclass(slots=True)
class _Graph:
    """Nodes and tensors as they are added; every method returns the name of what it made."""

    nodes: list[Any] = field(default_factory=list)
    tensors: list[Any] = field(default_factory=list)

    def constant(self, name: str, values: NDArray[Any]) -> str:
        self.tensors.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def node(
        self, kind: str, inputs: list[str], outputs: list[str], domain: str = "", **attributes: Any
    ) -> str:
        self.nodes.append(helper.make_node(kind, inputs, outputs, domain=domain, **attributes))
        return outputs[0]

    def weights(self, name: str, matrix: FourBit) -> list[str]:
        return [
            self.constant(f"{name}.codes", matrix.codes),
            self.constant(f"{name}.scales", matrix.scales),
            self.constant(f"{name}.zeros", matrix.zeros.reshape(-1)),
        ]

    def multiply(self, x: str, weights: list[str], out: str, *, rows: int, columns: int) -> str:
        return self.node(
            "MatMulNBits",
            [x, *weights],
            [out],
            domain=CONTRIB,
            K=columns,
            N=rows,
            bits=4,
            block_size=BLOCK,
            accuracy_level=_ACTIVATIONS_8_BIT,
        )

    def linear(self, x: str, name: str, matrix: Matrix) -> str:
        packed = four_bit(matrix)
        weights = self.weights(name, packed)
        return self.multiply(x, weights, f"{name}.out", rows=packed.rows, columns=packed.columns)

    def add_and_norm(
        self, residual: str, x: str, name: str, scale: Matrix, epsilon: float
    ) -> tuple[str, str]:
        """Add `x` to the residual stream; return the normalised sum and the sum itself."""
        normed, total = f"{name}.out", f"{name}.sum"
        self.node(
            "SkipSimplifiedLayerNormalization",
            [residual, x, self.constant(name, scale)],
            [normed, "", "", total],
            domain=CONTRIB,
            epsilon=epsilon,
        )
        return normed, total


def _embed(graph: _Graph, table: FourBit) -> list[str]:
    """Look the tokens up in the 4-bit table (result `embedded`); return the tensors for the last product."""
    shared = graph.weights("embedding", table)
    flat = graph.constant("embedding.flat", np.array([table.rows, -1], dtype=np.int64))
    codes = graph.node("Reshape", [shared[0], flat], ["embedding.codes.flat"])
    zeros = graph.node("Reshape", [shared[2], flat], ["embedding.zeros.flat"])
    graph.node(
        "GatherBlockQuantized",
        [codes, "input_ids", shared[1], zeros],
        ["embedded"],
        domain=CONTRIB,
        gather_axis=0,
        quantize_axis=1,
        block_size=BLOCK,
        bits=4,
    )
    return shared


def _lengths(graph: _Graph) -> None:
    """Derive from the attention mask what the attention wants: `last` and `total`, both int32."""
    one = graph.constant("one", np.array([1], dtype=np.int64))
    seen = graph.node("ReduceSum", ["attention_mask", one], ["seen"], keepdims=1)
    before = graph.node("Sub", [seen, one], ["before"])
    graph.node("Cast", [before], ["last"], to=TensorProto.INT32)
    shape = graph.node("Shape", ["attention_mask"], ["mask.shape"])
    second = graph.constant("second", np.array(1, dtype=np.int64))
    width = graph.node("Gather", [shape, second], ["mask.width"])
    graph.node("Cast", [width], ["total"], to=TensorProto.INT32)


def _rotations(graph: _Graph, shape: Shape, context: int) -> None:
    """Add the RoPE tables `cosines` and `sines`, each (context, head / 2)."""
    speeds = 1.0 / (shape.rope_base ** (np.arange(0, shape.head, 2) / shape.head))
    angles = np.outer(np.arange(context), speeds)
    graph.constant("cosines", np.cos(angles).astype(np.float32))
    graph.constant("sines", np.sin(angles).astype(np.float32))


def _layer(graph: _Graph, source: Source, layer: int, x: str, residual: str) -> tuple[str, str]:
    """Add one transformer layer; return the normalised input of the next and the residual stream."""
    shape, name = source.shape, f"blk.{layer}."
    qkv = graph.linear(x, f"{name}qkv", source.attention(layer))
    graph.node(
        "GroupQueryAttention",
        [qkv, "", "", f"past.{layer}.key", f"past.{layer}.value", "last", "total", "cosines", "sines"],
        [f"{name}attended", f"present.{layer}.key", f"present.{layer}.value"],
        domain=CONTRIB,
        num_heads=shape.heads,
        kv_num_heads=shape.kv_heads,
        do_rotary=1,
        rotary_interleaved=0,
        scale=shape.head**-0.5,
    )
    mixed = graph.linear(f"{name}attended", f"{name}attn_output", source.adapted(f"{name}attn_output"))
    norm = source.matrix(f"{name}ffn_norm.weight")
    x, residual = graph.add_and_norm(residual, mixed, f"{name}ffn_norm", norm, shape.epsilon)
    gate = graph.linear(x, f"{name}ffn_gate", source.adapted(f"{name}ffn_gate"))
    up = graph.linear(x, f"{name}ffn_up", source.adapted(f"{name}ffn_up"))
    squash = graph.node("Sigmoid", [gate], [f"{name}sigmoid"])
    silu = graph.node("Mul", [gate, squash], [f"{name}silu"])
    gated = graph.node("Mul", [silu, up], [f"{name}gated"])
    down = graph.linear(gated, f"{name}ffn_down", source.adapted(f"{name}ffn_down"))
    final = layer + 1 == shape.layers
    following = "output_norm.weight" if final else f"blk.{layer + 1}.attn_norm.weight"
    return graph.add_and_norm(residual, down, f"{name}next_norm", source.matrix(following), shape.epsilon)


def _model(graph: _Graph, shape: Shape) -> Any:
    """Wrap the nodes as an ONNX model with the inputs and outputs that onnxruntime-genai binds."""
    info = helper.make_tensor_value_info
    inputs = [
        info("input_ids", TensorProto.INT64, ["batch", "length"]),
        info("attention_mask", TensorProto.INT64, ["batch", "seen"]),
    ]
    outputs = [info("logits", TensorProto.FLOAT, ["batch", 1, shape.vocabulary])]
    for layer in range(shape.layers):
        for part in ("key", "value"):
            cache: list[str | int] = ["batch", shape.kv_heads]
            inputs.append(info(f"past.{layer}.{part}", TensorProto.FLOAT, [*cache, "past", shape.head]))
            outputs.append(info(f"present.{layer}.{part}", TensorProto.FLOAT, [*cache, "seen", shape.head]))
    body = helper.make_graph(graph.nodes, "llama_4bit", inputs, outputs, graph.tensors)
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(CONTRIB, 1)]
    return helper.make_model(body, opset_imports=opsets, ir_version=10)


def write_onnx(source: Source, folder: Path, *, context: int, step: Callable[[int, int], None]) -> None:
    """Write `model.onnx` and its one data file into `folder`; `step(done, total)` counts layers.

    Only the last position's logits are computed: (batch, 1, vocabulary).
    """
    graph, shape = _Graph(), source.shape
    total = shape.layers + 2
    shared = _embed(graph, four_bit(source.matrix("token_embd.weight")))
    step(1, total)
    _lengths(graph)
    _rotations(graph, shape, context)
    first = graph.constant("blk.0.attn_norm", source.matrix("blk.0.attn_norm.weight"))
    x = graph.node(
        "SimplifiedLayerNormalization",
        ["embedded", first],
        ["first.out"],
        axis=-1,
        epsilon=shape.epsilon,
        stash_type=1,
    )
    residual = "embedded"
    for layer in range(shape.layers):
        x, residual = _layer(graph, source, layer, x, residual)
        step(layer + 2, total)
    ends = [graph.constant(name, np.array([at], dtype=np.int64)) for name, at in
            (("from", -1), ("to", _INT64_MAX), ("axis", 1))]  # fmt: skip
    final = graph.node("Slice", [x, *ends], ["final"])
    graph.multiply(final, shared, "logits", rows=shape.vocabulary, columns=shape.width)
    onnx.save(
        _model(graph, shape),
        str(folder / "model.onnx"),
        save_as_external_data=True,
        all_tensors_to_one_file=True,
        location=DATA_FILE,
        size_threshold=1024,
    )
    step(total, total)
