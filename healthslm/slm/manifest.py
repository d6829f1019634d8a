"""What a built model's folder says of itself: `manifest.json`, and whether its files are those it names.

Apart from `healthslm.slm.model`, which builds.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from healthslm.errors import ModelError
from healthslm.slm.layout import BUILD, DATA_FILE, MANIFEST
from healthslm.slm.source import GGUF_SHA256

FILES = {"model.onnx", DATA_FILE, "genai_config.json", "tokenizer.json", "tokenizer_config.json"}
"""What the runtime reads: each must stand in the manifest, so that nothing is read that was not checked."""
_REBUILD = "Run `healthslm model build`."
Line = Annotated[str, Field(pattern=r"^[ -~]{1,80}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class FileEntry(BaseModel):
    """Size in bytes and SHA-256 of one file of the model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: int = Field(ge=0)
    sha256: Sha256


class Manifest(BaseModel):
    """What `manifest.json` says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Line
    license: Line
    source: Line
    source_sha256: Sha256
    adapter_sha256: Sha256 | None
    build: int
    files: Mapping[Annotated[str, Field(pattern=r"^[\w.]+$")], FileEntry]

    @property
    def model_id(self) -> str:
        """Name of these exact weights, as it stands in every summary: name, build and 12 digits of a hash."""
        return f"{self.name}-4bit-{self.build}-{self.files[DATA_FILE].sha256[:12]}".lower()


def load(folder: Path) -> Manifest:
    """Read a model folder's manifest and compare the sizes of its files (cheap: reads no weights).

    Raises `ModelError` when there is no model, it is damaged, or another version of healthslm made it.
    """
    path = folder / MANIFEST
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise ModelError(f"There is no language model in {folder}.", _REBUILD) from None
    except (OSError, ValidationError) as error:
        raise ModelError(
            f"{path} cannot be read as a model's manifest ({type(error).__name__}).", _REBUILD
        ) from error
    if manifest.build != BUILD:
        raise ModelError(
            f"The language model in {folder} was built by another version of healthslm "
            f"(build {manifest.build}, this one needs {BUILD}).",
            _REBUILD,
        )
    if manifest.source_sha256 != GGUF_SHA256:
        raise ModelError(
            f"The language model in {folder} was made from other weights: expected those of SHA-256 "
            f"{GGUF_SHA256}, found {manifest.source_sha256}.",
            _REBUILD,
        )
    if missing := FILES - set(manifest.files):
        raise ModelError(f"{path} does not name {', '.join(sorted(missing))}.", _REBUILD)
    for name, entry in manifest.files.items():
        found = (folder / name).stat().st_size if (folder / name).is_file() else None
        if found != entry.size:
            is_there = "is missing" if found is None else f"has {found} bytes instead of {entry.size}"
            raise ModelError(f"The language model in {folder} is damaged: {name} {is_there}.", _REBUILD)
    return manifest
