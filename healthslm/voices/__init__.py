"""Written questions and notes, in the words of many made-up people: to learn from, and to measure on."""

from healthslm.voices.reader import HELD_OUT, Asked, Noted, held_out, learned_from, parse

__all__ = ["HELD_OUT", "Asked", "Noted", "held_out", "learned_from", "parse"]
