"""The language model: facts in, checked words out."""

from healthslm.slm.facts import Audience
from healthslm.slm.narrate import narrate
from healthslm.slm.process import ModelFigures, ModelProcess, Writer, measure

__all__ = ["Audience", "ModelFigures", "ModelProcess", "Writer", "measure", "narrate"]
