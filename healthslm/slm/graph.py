"""The ONNX graph of a Llama model over 4-bit weights, with the runtime's own fused operators.

Operators: `GatherBlockQuantized`, `MatMulNBits`, `GroupQueryAttention`, `SkipSimplifiedLayerNormalization` of
the domain `com.microsoft` (onnxruntime, docs/ContribOperators.md). The embedding is one stretch of the data
file used twice: looked up at the start, multiplied with at the end. Needs the `onnx` package (extra `model`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from healthslm.slm.layout import DATA_FILE
from healthslm.slm.weights import BLOCK, FourBit, Matrix, Shape, Source, four_bit

CONTRIB = "com.microsoft"
_ACTIVATIONS_8_BIT = 4
"""`accuracy_level` 4: activations are rounded to 8 bits, about three times as fast as 32 bits on a CPU."""
_INT64_MAX = 2**63 - 1
_IN_THE_DATA_FILE = 1024
"""Bytes from which on a tensor is kept in the data file."""
_ALIGNED = 64


@dataclass(slots=True)
class _Graph:
    """Nodes and tensors as they are added; every method returns the name of what it made.

    What is large goes into the data file at once.
    """

    data: IO[bytes]
    nodes: list[Any] = field(default_factory=list)
    tensors: list[Any] = field(default_factory=list)

    def constant(self, name: str, values: NDArray[Any]) -> str:
        if values.nbytes < _IN_THE_DATA_FILE:
            self.tensors.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
            return name
        self.data.write(b"\0" * (-self.data.tell() % _ALIGNED))
        start = self.data.tell()
        self.data.write(np.ascontiguousarray(values).tobytes())
        kind = helper.np_dtype_to_tensor_dtype(values.dtype)
        tensor = TensorProto(name=name, data_type=kind, dims=values.shape)
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", DATA_FILE), ("offset", start), ("length", values.nbytes)):
            tensor.external_data.add(key=key, value=str(value))
        self.tensors.append(tensor)
        return name

    def again(self, of: str, name: str, shape: list[int]) -> str:
        """Add a tensor of the same bytes as another, in another shape."""
        tensor = TensorProto()
        tensor.CopyFrom(next(t for t in self.tensors if t.name == of))
        tensor.name = name
        tensor.dims[:] = shape
        self.tensors.append(tensor)
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
    # Tensors of their own over the same bytes of the file: the runtime maps each by itself, packs those
    # of the product anew and lets go of them; of these only rows of tokens that are read are in memory.
    looked_up = [
        graph.again(shared[0], "lookup.codes", [table.rows, table.columns // 2]),
        graph.again(shared[1], "lookup.scales", list(table.scales.shape)),
        graph.again(shared[2], "lookup.zeros", [table.rows, table.zeros.shape[1]]),
    ]
    graph.node(
        "GatherBlockQuantized",
        [looked_up[0], "input_ids", *looked_up[1:]],
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
    graph.constant("cosines", np.cos(angles).astype(np.float16))
    graph.constant("sines", np.sin(angles).astype(np.float16))


def _layer(graph: _Graph, source: Source, layer: int, x: str, residual: str) -> tuple[str, str]:
    """Add one transformer layer; return the normalised input of the next and the residual stream."""
    shape, name = source.shape, f"blk.{layer}."
    qkv = graph.linear(x, f"{name}qkv", source.attention(layer))
    half = graph.node("Cast", [qkv], [f"{name}qkv.half"], to=TensorProto.FLOAT16)
    graph.node(
        "GroupQueryAttention",
        [half, "", "", f"past.{layer}.key", f"past.{layer}.value", "last", "total", "cosines", "sines"],
        [f"{name}attended.half", f"present.{layer}.key", f"present.{layer}.value"],
        domain=CONTRIB,
        num_heads=shape.heads,
        kv_num_heads=shape.kv_heads,
        do_rotary=1,
        rotary_interleaved=0,
        scale=shape.head**-0.5,
    )
    attended = graph.node("Cast", [f"{name}attended.half"], [f"{name}attended"], to=TensorProto.FLOAT)
    mixed = graph.linear(attended, f"{name}attn_output", source.adapted(f"{name}attn_output"))
    norm = source.matrix(f"{name}ffn_norm.weight")
    x, residual = graph.add_and_norm(residual, mixed, f"{name}ffn_norm", norm, shape.epsilon)
    both = graph.linear(x, f"{name}ffn_gate_up", source.gate_and_up(layer))
    gate, up = f"{name}gate", f"{name}up"
    graph.node("Split", [both], [gate, up], axis=-1, num_outputs=2)
    silu = graph.node("QuickGelu", [gate], [f"{name}silu"], domain=CONTRIB, alpha=1.0)  # x · sigmoid(x)
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
    outputs = [
        info("logits", TensorProto.FLOAT, ["batch", 1, shape.vocabulary]),
        info("scores", TensorProto.FLOAT, ["batch", "scored", shape.vocabulary]),
    ]
    for layer in range(shape.layers):
        for part in ("key", "value"):
            cache: list[str | int] = ["batch", shape.kv_heads]
            inputs.append(info(f"past.{layer}.{part}", TensorProto.FLOAT16, [*cache, "past", shape.head]))
            outputs.append(info(f"present.{layer}.{part}", TensorProto.FLOAT16, [*cache, "seen", shape.head]))
    body = helper.make_graph(graph.nodes, "llama_4bit", inputs, outputs, graph.tensors)
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(CONTRIB, 1)]
    return helper.make_model(body, opset_imports=opsets, ir_version=10)


def write_onnx(
    source: Source, folder: Path, *, context: int, scored: int, step: Callable[[int, int], None]
) -> None:
    """Write `model.onnx` and its one data file into `folder`; `step(done, total)` counts layers.

    Up to `scored` tokens read at once, the scores after each of them are computed, else after the last alone.
    """
    with (folder / DATA_FILE).open("wb") as data:
        graph = _Graph(data)
        _network(graph, source, context, scored, step)
    (folder / "model.onnx").write_bytes(_model(graph, source.shape).SerializeToString())


def _network(
    graph: _Graph, source: Source, context: int, scored: int, step: Callable[[int, int], None]
) -> None:
    """Add every node from `input_ids` to `logits`."""
    shape = source.shape
    total = shape.layers + 2
    shared = _embed(graph, source.rounded("token_embd.weight"))
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
    graph.multiply(_last(graph, x, scored), shared, "scores", rows=shape.vocabulary, columns=shape.width)
    graph.node("Slice", ["scores", "from.long", "to", "positions"], ["logits"])
    step(total, total)


def _last(graph: _Graph, x: str, scored: int) -> str:
    """Keep the positions after which scores are wanted: all of a short input, the last of a longer one."""
    numbers = {"from.short": -scored, "from.long": -1, "to": _INT64_MAX, "positions": 1, "short": scored}
    for name, value in numbers.items():
        graph.constant(name, np.array([value], dtype=np.int64))
    length = graph.node("Shape", ["input_ids"], ["length"], start=1, end=2)
    is_long = graph.node("Greater", [length, "short"], ["is_long"])
    begin = graph.node("Where", [is_long, "from.long", "from.short"], ["from"])
    return graph.node("Slice", [x, begin, "to", "positions"], ["final"])
