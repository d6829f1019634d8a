"""The language model: facts in, checked words out; questions in, typed calls out."""

from healthslm.slm.answer import answer
from healthslm.slm.facts import Audience
from healthslm.slm.narrate import narrate
from healthslm.slm.process import ModelFigures, ModelProcess, Writer, measure
from healthslm.slm.route import route

__all__ = ["Audience", "ModelFigures", "ModelProcess", "Writer", "answer", "measure", "narrate", "route"]
