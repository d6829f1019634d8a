"""What a built model's folder looks like: constants that its builder and the model's own process share."""

from __future__ import annotations

BUILD = 4
"""Version of the files that `model.build` writes; raise it when they change."""
CONTEXT = 2048
"""Tokens that fit into one prompt and its answer. SmolLM2 was trained for 8192; memory grows with it."""
SCORED = 8
"""Up to so many tokens read at once, the model gives the scores after each of them (else after the last)."""
MANIFEST = "manifest.json"
DATA_FILE = "model.onnx.data"
"""All weights."""
