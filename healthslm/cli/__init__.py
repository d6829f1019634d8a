"""The command `healthslm`. Thin: it reads words, calls the pipeline, and prints what comes back."""

from healthslm.cli import (
    alerting,
    analyse,
    analyse_news2,
    backup,
    devices,
    doctor,
    evaluate,
    keeping,
    keys,
    listening,
    look,
    measure,
    people,
    readings,
    replay,
    rules,
    setup,
)
from healthslm.cli.app import app, main

__all__ = [
    "alerting",
    "analyse",
    "analyse_news2",
    "app",
    "backup",
    "devices",
    "doctor",
    "evaluate",
    "keeping",
    "keys",
    "listening",
    "look",
    "main",
    "measure",
    "people",
    "readings",
    "replay",
    "rules",
    "setup",
]
