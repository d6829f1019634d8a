"""The graph with unrounded weights is the built one, with other matrices in it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from healthslm.errors import UsageError
from healthslm.evaluation.float32 import Matrix, float32, write_float32
from healthslm.slm.runtime import Engine
from tests.slm import reference


@pytest.mark.model
def test_its_scores_are_those_of_plain_float32(model_folder: Path, tmp_path: Path) -> None:
    """With the 4-bit weights written out as float32 it is the numpy forward pass over them, to rounding."""
    weights = reference.from_onnx(model_folder)
    parts = {"attn_output": "output", "ffn_gate": "gate", "ffn_up": "up", "ffn_down": "down", "qkv": "qkv"}

    def matrix(name: str) -> Matrix:
        if name == "embedding":
            return weights.embedding
        found = re.fullmatch(r"blk\.(\d+)\.(\w+)", name)
        assert found is not None
        layer = weights.layers[int(found[1])]
        if found[2] == "ffn_gate_up":
            return np.concatenate([layer.gate, layer.up])
        values: Matrix = getattr(layer, parts[found[2]])
        return values

    write_float32(model_folder, tmp_path, matrix)
    engine = Engine(tmp_path)
    ids = engine.encode(reference.PROMPTS[3])
    mine, theirs = engine.logits(ids), reference.logits(weights, ids)
    assert np.abs(mine - theirs).max() < 0.05
    assert int(mine.argmax()) == int(theirs.argmax())


@pytest.mark.model
def test_a_file_that_is_not_there_is_said(model_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError), float32(model_folder, tmp_path / "none.gguf"):
        pass
