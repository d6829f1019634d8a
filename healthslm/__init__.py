"""healthslm: a private health-monitoring assistant for wearables.

The front door for programs is `healthslm.pipeline` (`collect`, `review`, `ask`);
for people it is the command `healthslm`.
"""

__version__ = "0.1.0"
