"""The command `healthslm`. Thin: it reads words, calls the pipeline, and prints what comes back."""

from healthslm.cli.app import app, main

__all__ = ["app", "main"]
