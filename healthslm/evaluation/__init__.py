"""Measures what is claimed: nothing in here is needed to run healthslm."""
