"""What the model is shown: a fixed beginning with examples, then one fact line at a time.

The beginning is the same for every summary of an audience, so its keys and values are computed once. Every
earlier fact line stands with the sentence that was let stand for it: the model goes on with a text that has
been checked.
"""

from __future__ import annotations

from collections.abc import Sequence

from healthslm.slm.facts import Audience, Item

Message = tuple[str, str]

_SYSTEM = {
    Audience.WEARER: "Write the fact as one plain sentence. Begin with Your. Use every number.",
    Audience.CLINICIAN: "Write the fact as one short clinical sentence. Use every number.",
}
_EXAMPLES = {
    Audience.WEARER: (
        (
            "heart rate: average 81 bpm, lowest 60 bpm, highest 131 bpm",
            "Your heart rate averaged 81 bpm and ranged between 60 and 131 bpm.",
        ),
        (
            "low oxygen saturation: 86 % at 01:50",
            "Your oxygen saturation was low and fell to 86 % at 01:50.",
        ),
        (
            "temperature: highest 37.6 °C at 16:40, latest 36.9 °C at 21:10",
            "Your temperature peaked at 37.6 °C at 16:40, and the latest reading was 36.9 °C at 21:10.",
        ),
        (
            "high blood pressure: average 171 over 99 mmHg",
            "Your blood pressure was high, with an average of 171 over 99 mmHg.",
        ),
        ("irregular heart rhythm: for 12 minutes", "Your heart rhythm was irregular for 12 minutes."),
        (
            "oxygen saturation: average 97 %, lowest 91 % at 06:15",
            "Your oxygen saturation averaged 97 %, and its lowest reading was 91 % at 06:15.",
        ),
        ("fever: temperature 39.4 °C at 22:05", "Your temperature rose to 39.4 °C at 22:05, a fever."),
        ("latest temperature: 36.4 °C at 07:30", "Your latest temperature reading was 36.4 °C at 07:30."),
        ("RMSSD heart-rate variability: 41 ms", "Your heart-rate variability (RMSSD) was 41 ms."),
        (
            "blood pressure: average 128 over 76 mmHg",
            "Your blood pressure had an average of 128 over 76 mmHg.",
        ),
    ),
    Audience.CLINICIAN: (
        (
            "heart rate: average 81 bpm, lowest 60 bpm, highest 131 bpm",
            "The heart rate averaged 81 bpm and ranged between 60 and 131 bpm.",
        ),
        (
            "low oxygen saturation: 86 % at 01:50",
            "The oxygen saturation was low and fell to 86 % at 01:50.",
        ),
        (
            "temperature: highest 37.6 °C at 16:40, latest 36.9 °C at 21:10",
            "The temperature peaked at 37.6 °C at 16:40, and the latest reading was 36.9 °C at 21:10.",
        ),
        (
            "high blood pressure: average 171 over 99 mmHg",
            "The blood pressure was high, with an average of 171 over 99 mmHg.",
        ),
        ("irregular heart rhythm: for 12 minutes", "The heart rhythm was irregular for 12 minutes."),
        (
            "oxygen saturation: average 97 %, lowest 91 % at 06:15",
            "The oxygen saturation averaged 97 %, with a lowest reading of 91 % at 06:15.",
        ),
        ("fever: temperature 39.4 °C at 22:05", "The temperature rose to 39.4 °C at 22:05, a fever."),
        ("latest temperature: 36.4 °C at 07:30", "The latest temperature reading was 36.4 °C at 07:30."),
        (
            "heart-rate variability: RMSSD 41 ms, SDNN 63 ms",
            "The heart-rate variability was RMSSD 41 ms and SDNN 63 ms.",
        ),
        (
            "blood pressure: average 128 over 76 mmHg",
            "The blood pressure had an average of 128 over 76 mmHg.",
        ),
    ),
}
_REMEMBERED = 2
"""Earlier sentences that stay in the prompt; more would only cost time."""


def beginning(audience: Audience) -> list[Message]:
    """Return the fixed part of the prompt."""
    messages: list[Message] = [("system", _SYSTEM[audience])]
    for line, sentence in _EXAMPLES[audience]:
        messages += [("user", line), ("assistant", sentence)]
    return messages


def prompt(audience: Audience, told: Sequence[tuple[Item, str]], item: Item) -> list[Message]:
    """Return the whole prompt for an item: the beginning, what has been told, and its fact line."""
    messages = beginning(audience)
    for earlier, sentence in told[-_REMEMBERED:]:
        messages += [("user", earlier.line), ("assistant", sentence)]
    return [*messages, ("user", item.line)]
