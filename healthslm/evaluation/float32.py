"""The built model once more with its weights unrounded: what rounding them to 4 bits costs.

The graph is the built one; only its 4-bit products and its look-up become those of float32 matrices. It is
written into a temporary folder (540 MB), run by the same engine, and not kept. Needs the extra `model`.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from healthslm.errors import ModelError, UsageError
from healthslm.slm import ModelProcess, model
from healthslm.slm.source import GGUF_SHA256, check_hash, sha256

Matrix = NDArray[np.float32]
Matrices = Callable[[str], Matrix]
"""The matrix (rows, columns) of a product by its name in the graph: `blk.0.qkv`, `embedding`."""
_CONTRIB = "com.microsoft"
_START_S = 180.0


@contextmanager
def float32(built: Path, gguf: Path) -> Iterator[ModelProcess]:
    """Start the model of a folder with the weights that it was made from, in float32.

    Takes about a minute and 1.5 GB of memory. Raises `UsageError` where the model was tuned with another
    adapter than the one that comes along, `ModelError` where the file is not the one it was made from.
    """
    adapter = model.comes_along()
    if model.load(built).adapter_sha256 != (None if adapter is None else sha256(adapter)):
        raise UsageError(
            f"The model in {built} was not made with the adapter that comes along.",
            "Build it again: healthslm model build --force",
        )
    if not gguf.is_file():
        raise UsageError(f"There is no file {gguf}.", "Name the GGUF file that the model was built from.")
    check_hash(gguf, GGUF_SHA256, f"The file {gguf}")
    with tempfile.TemporaryDirectory(prefix="healthslm-float32-") as temporary:
        folder = Path(temporary)
        write_float32(built, folder, _matrices(gguf, adapter))
        with ModelProcess(folder, start_s=_START_S, answer_s=_START_S) as process:
            yield process


def _matrices(gguf: Path, adapter: Path | None) -> Matrices:
    from healthslm.slm.weights import open_adapter, open_gguf  # noqa: PLC0415  imports gguf

    source = open_gguf(gguf, {} if adapter is None else open_adapter(adapter))

    def matrix(name: str) -> Matrix:
        if name == "embedding":
            return source.matrix("token_embd.weight")
        joined = re.fullmatch(r"(blk\.\d+)\.(qkv|ffn_gate_up)", name)
        if joined is None:
            return source.adapted(name)
        parts = ("attn_q", "attn_k", "attn_v") if joined[2] == "qkv" else ("ffn_gate", "ffn_up")
        return np.concatenate([source.adapted(f"{joined[1]}.{part}") for part in parts])

    return matrix


def write_float32(built: Path, folder: Path, matrix: Matrices) -> None:
    """Write a built model into an empty folder anew, with other matrices in place of its 4-bit ones."""
    try:
        import onnx  # noqa: PLC0415  only here
    except ImportError as error:
        raise ModelError(
            "A model in float32 needs the package onnx.", "Install it with: pip install 'healthslm[model]'"
        ) from error
    manifest = model.load(built)
    for name in manifest.files:
        if not name.startswith("model.onnx"):
            shutil.copy(built / name, folder / name)
    whole = onnx.load(str(built / "model.onnx"))
    _unround(whole.graph, matrix)
    onnx.save(
        whole,
        str(folder / "model.onnx"),
        save_as_external_data=True,
        all_tensors_to_one_file=True,
        location="model.onnx.data",
        size_threshold=1024,
    )
    files = {
        name: model.FileEntry(size=(folder / name).stat().st_size, sha256=sha256(folder / name))
        for name in manifest.files
    }
    made = manifest.model_copy(update={"name": f"{manifest.name}-float32", "files": files})
    (folder / model.MANIFEST).write_text(made.model_dump_json(), encoding="utf-8")


def _unround(graph: Any, matrix: Matrices) -> None:
    """Put plain products in the place of those with 4-bit weights, and drop what nothing reads any more."""
    from onnx import helper, numpy_helper  # noqa: PLC0415  only here

    made: dict[str, Any] = {}

    def tensor(name: str) -> str:
        if name not in made:
            values = np.ascontiguousarray(matrix(name), dtype=np.float32)
            made[name] = numpy_helper.from_array(values, f"{name}.float32")
        return f"{name}.float32"

    nodes = []
    for node in graph.node:
        if node.op_type == "MatMulNBits":
            weights = tensor(node.input[1].removesuffix(".codes"))
            replaced = helper.make_node(
                "FusedMatMul", [node.input[0], weights], list(node.output), domain=_CONTRIB, transB=1
            )
        elif node.op_type == "GatherBlockQuantized":
            replaced = helper.make_node("Gather", [tensor("embedding"), node.input[1]], list(node.output))
        else:
            replaced = node
        nodes.append(replaced)
    wanted = {output.name for output in graph.output} | {name for node in nodes for name in node.input}
    nodes = [node for node in nodes if wanted.intersection(node.output)]
    read = {name for node in nodes for name in node.input}
    kept = [one for one in graph.initializer if one.name in read]
    for field, values in ((graph.node, nodes), (graph.initializer, [*kept, *made.values()])):
        copies = list(values)
        del field[:]
        field.extend(copies)
