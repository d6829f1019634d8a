"""The language model: facts in, checked words out; questions in, typed calls out."""

from __future__ import annotations

import sys

# The model's own process runs a module of this package and needs none of the rest, which takes 14 MB.
if "healthslm.slm.worker" not in sys.orig_argv:
    from healthslm.slm.answer import answer
    from healthslm.slm.facts import EPISODES, Audience
    from healthslm.slm.narrate import narrate
    from healthslm.slm.process import ModelProcess
    from healthslm.slm.roles import Model, Reader, Writer
    from healthslm.slm.route import Routed, route
    from healthslm.slm.triage import Triage, triage

__all__ = [
    "EPISODES",
    "Audience",
    "Model",
    "ModelProcess",
    "Reader",
    "Routed",
    "Triage",
    "Writer",
    "answer",
    "narrate",
    "route",
    "triage",
]
