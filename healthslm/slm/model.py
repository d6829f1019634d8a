"""The built model on disk: make it, find it, check it.

The base weights, with the adapter that was learned for the model's jobs where one comes along, rounded to 4
bits. A model folder holds `model.onnx` with its one data file (77 MB), the tokenizer, the runtime's
`genai_config.json`, and `manifest.json`: what it was made from, by which version of this builder, and the
size and SHA-256 of every file. The folder appears complete or not at all. `checked.json` beside it
(healthslm.slm.checked) remembers which files were found as the manifest says.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from healthslm.errors import ModelError
from healthslm.slm.checked import check_files
from healthslm.slm.layout import BUILD, CONTEXT, MANIFEST, SCORED
from healthslm.slm.manifest import FILES, FileEntry, Manifest, load
from healthslm.slm.source import GGUF_SHA256, LICENSE, NAME, PACKAGE, Progress, check_hash, fetch, sha256

if TYPE_CHECKING:
    from healthslm.slm.weights import Shape

__all__ = [
    "ADAPTER",
    "BUILD",
    "FILES",
    "MANIFEST",
    "FileEntry",
    "Manifest",
    "build",
    "comes_along",
    "install",
    "load",
    "verify",
]

ADAPTER = Path(__file__).parent / "adapter.safetensors"
"""What was learned (`python -m healthslm.training`), with its record beside it, `adapter.json`. Without one
the model is the untuned one, which is asked nothing: rules read and the template writes."""
_REBUILD = "Run `healthslm model build`."
_ADAPTER = "Name another one, or leave it out."


def comes_along() -> Path | None:
    """Return the adapter that comes with this version, if one does."""
    return ADAPTER if ADAPTER.exists() else None


def trusted(folder: Path) -> Manifest:
    """Load a model folder's manifest, and hash the files that changed since they were hashed last."""
    return _checked(folder, all_bytes=False)


def verify(folder: Path) -> Manifest:
    """Compare every byte of a model folder with its manifest. Raises `ModelError` naming the changed file."""
    return _checked(folder, all_bytes=True)


def _checked(folder: Path, *, all_bytes: bool) -> Manifest:
    manifest = load(folder)
    hashes = {name: entry.sha256 for name, entry in manifest.files.items()}
    try:
        check_files(folder, hashes, all_bytes=all_bytes)
    except OSError as error:
        raise ModelError(f"{error.filename or folder} cannot be read: {error.strerror}.", _REBUILD) from error
    return manifest


def install(
    folder: Path, progress: Progress, *, gguf: Path | None = None, adapter: Path | None = None
) -> Manifest:
    """Fetch the weights (unless `gguf` is a file that is already here) and build the model into `folder`."""
    _need_builder()
    if adapter is not None:  # before 93 MB are fetched
        _open_adapter(adapter)
    if gguf is not None:
        return build(gguf, folder, progress, adapter=adapter)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".weights-") as temporary:
        return build(fetch(Path(temporary), progress), folder, progress, adapter=adapter)


def build(gguf: Path, folder: Path, progress: Progress, *, adapter: Path | None = None) -> Manifest:
    """Make the 4-bit model from the pinned GGUF file, replacing the model that is in `folder`.

    Without an `adapter` it is the untuned model, for comparison.

    Takes about 15 s and 260 MB of memory. Raises `ModelError` when the file is another one, when `folder`
    holds something that is no model, or when the packages for building are missing.
    """
    _need_builder()
    if not gguf.is_file():
        raise ModelError(f"There is no file {gguf}.", "Name the GGUF file, or leave it out to download it.")
    if folder.exists() and not folder.is_dir():
        raise ModelError(f"{folder} is a file.", "Name a folder that is empty or not there yet.")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MANIFEST).exists():
        raise ModelError(f"{folder} holds something that is not a model.", "Name an empty folder.")
    check_hash(gguf, GGUF_SHA256, f"The file {gguf}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".model-") as temporary:
        new, old = Path(temporary) / "new", Path(temporary) / "old"
        new.mkdir()
        _write(gguf, adapter, new, progress)
        names = sorted(path.name for path in new.iterdir())
        manifest = Manifest(
            name=NAME,
            license=LICENSE,
            source=PACKAGE,
            source_sha256=GGUF_SHA256,
            adapter_sha256=None if adapter is None else sha256(adapter),
            build=BUILD,
            files={n: FileEntry(size=(new / n).stat().st_size, sha256=sha256(new / n)) for n in names},
        )
        (new / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    return manifest


def _need_builder() -> None:
    """Raise `ModelError` unless the packages that only building needs are there."""
    try:
        import gguf  # noqa: F401, PLC0415  needed only here
        import onnx  # noqa: F401, PLC0415  needed only here
        import safetensors  # noqa: F401, PLC0415  needed only here
    except ImportError as error:
        raise ModelError(
            f"Building the language model needs the package {error.name}.",
            "Install it with: pip install 'healthslm[model]'",
        ) from error


def _open_adapter(path: Path) -> Mapping[str, NDArray[Any]]:
    """Read an adapter, and compare it with its record where that lies beside it."""
    from healthslm.slm.weights import open_adapter  # noqa: PLC0415  imports gguf

    record = path.with_suffix(".json")
    if record.exists():
        try:
            said = json.loads(record.read_bytes())
            expected, base = str(said["sha256"]), str(said["base_sha256"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{record} cannot be read as an adapter's record.", _ADAPTER) from error
        if path.is_file():
            check_hash(path, expected, f"The adapter {path}", _ADAPTER)
        if base != GGUF_SHA256:
            raise ModelError(
                f"The adapter {path} was learned on other weights: expected those of SHA-256 {GGUF_SHA256}, "
                f"found {base}.",
                _ADAPTER,
            )
    return open_adapter(path)


def _write(gguf: Path, adapter: Path | None, folder: Path, progress: Progress) -> None:
    """Write everything but the manifest."""
    from healthslm.slm.graph import write_onnx  # noqa: PLC0415  imports onnx
    from healthslm.slm.tokenizer import write_tokenizer  # noqa: PLC0415  only while building
    from healthslm.slm.weights import open_gguf  # noqa: PLC0415  imports gguf

    source = open_gguf(gguf, {} if adapter is None else _open_adapter(adapter))
    write_tokenizer(source.metadata, folder)
    _write_config(source.shape, folder)
    write_onnx(
        source,
        folder,
        context=CONTEXT,
        scored=SCORED,
        step=lambda done, total: progress("Building the 4-bit model", done, total),
    )


def _write_config(shape: Shape, folder: Path) -> None:
    """Write `genai_config.json`: the names and sizes that onnxruntime-genai binds the graph by."""
    decoder = {
        "filename": "model.onnx",
        "session_options": {},
        "hidden_size": shape.width,
        "head_size": shape.head,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "num_hidden_layers": shape.layers,
        "inputs": {
            "input_ids": "input_ids",
            "attention_mask": "attention_mask",
            "past_key_names": "past.%d.key",
            "past_value_names": "past.%d.value",
        },
        "outputs": {
            "logits": "logits",
            "present_key_names": "present.%d.key",
            "present_value_names": "present.%d.value",
        },
    }
    document = {
        "model": {
            "type": "llama",
            "bos_token_id": 1,
            "eos_token_id": 2,
            "pad_token_id": 2,
            "vocab_size": shape.vocabulary,
            "context_length": CONTEXT,
            "decoder": decoder,
        },
        # One buffer for past and present keys and values: nothing is copied from step to step.
        "search": {"max_length": CONTEXT, "past_present_share_buffer": True, "do_sample": False},
    }
    (folder / "genai_config.json").write_text(json.dumps(document, indent=1), encoding="utf-8")
