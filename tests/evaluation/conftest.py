"""The built model, for the tests that need it."""

from tests.slm.conftest import model_folder, writer

__all__ = ["model_folder", "writer"]
