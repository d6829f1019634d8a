"""The language model: facts in, checked words out."""

from healthslm.errors import ModelError
from healthslm.slm.process import ModelFigures, ModelProcess, Writer, measure

__all__ = ["ModelError", "ModelFigures", "ModelProcess", "Writer", "measure"]
