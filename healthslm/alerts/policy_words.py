"""How a person wants to be warned, in words: `quiet=22:00-07:00`, `repeat.emergency=10`, and back.

Text in, `Policy` out, and the other way round: what `rows` writes is what `with_word` reads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import time
from typing import Any

from healthslm.alerts.policy import CAP, CHOICES, EVERY_RULE, LEVELS, MOST, SNOOZE, Policy, Quiet
from healthslm.errors import UsageError
from healthslm.readings import Severity

_LEVELS = {level.word: level for level in LEVELS}
NONE = "none"
_QUIET = re.compile(r"([0-9]{1,2}):([0-9]{2})-([0-9]{1,2}):([0-9]{2})")
_USUAL = Policy()


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What there is to name: the rules, and the devices, each with its address and what it is called."""

    rules: Collection[str]
    devices: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One setting as it is written; `usual` is the default, or `None` where there is none without it."""

    name: str
    value: str
    usual: str | None
    meaning: str

    @property
    def own(self) -> bool:
        """Say whether it is another than the usual."""
        return self.value != self.usual


@dataclass(frozen=True, slots=True, kw_only=True)
class _Setting:
    """What a name stands for. `of` is what follows its dot: a level, a rule, a device, or nothing."""

    field: str
    read: Callable[[str, Known], Any]
    write: Callable[[Any], str]
    meaning: str
    of: str = ""
    gone: Any = None
    """The value that is the same as no entry."""


def _cut(text: str) -> str:
    """What was written, fit to be repeated: hostile letters escaped, and not all of a long one."""
    return repr(text if len(text) <= 40 else f"{text[:40]}…")


def _number(low: int, high: int) -> Callable[[str, Known], int]:
    def read(text: str, _known: Known) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise ValueError(f"It may be a whole number from {low} to {high}.")
        return int(text)

    return read


def _level(text: str, _known: Known) -> Severity:
    if text not in _LEVELS:
        raise ValueError(f"It may be {', '.join(_LEVELS)}.")
    return _LEVELS[text]


def _parts(text: str) -> list[str]:
    """The words between commas, each once; `none`, or nothing at all, is none."""
    words = [word.strip() for word in text.split(",")]
    return [] if text in ("", NONE) else list(dict.fromkeys(words))


def _quiet_hours(text: str, _known: Known) -> tuple[Quiet, ...]:
    how = f"Write it like 22:00-07:00, up to {CHOICES} with commas; {NONE} for none."
    found = []
    for part in _parts(text):
        clock = _QUIET.fullmatch(part)
        if clock is None:
            raise ValueError(how)
        hour, minute, last_hour, last_minute = map(int, clock.groups())
        try:
            found.append(Quiet(start=time(hour, minute), end=time(last_hour, last_minute)))
        except ValueError as error:  # pydantic's is one too
            raise ValueError(how) from error
    if len(found) > CHOICES:
        raise ValueError(how)
    return tuple(found)


def _snoozes(text: str, known: Known) -> tuple[int, ...]:
    how = f"It may be minutes from {SNOOZE[0]} to {SNOOZE[1]}, up to {CHOICES} with commas; {NONE} for none."
    try:
        found = tuple(_number(*SNOOZE)(part, known) for part in _parts(text))
    except ValueError as error:
        raise ValueError(how) from error
    if len(found) > CHOICES:
        raise ValueError(how)
    return found


def _rules(text: str, known: Known) -> tuple[str, ...]:
    if text == EVERY_RULE:
        return (EVERY_RULE,)
    for part in _parts(text):
        if part not in known.rules:
            raise ValueError(f"{_cut(part)} is no rule. It may be {EVERY_RULE} for all, {NONE}, or of these: "
                             f"{', '.join(known.rules)}.")  # fmt: skip
    return tuple(_parts(text))


def _write_quiet(value: Collection[Quiet]) -> str:
    return ",".join(f"{q.start:%H:%M}-{q.end:%H:%M}" for q in value) or NONE


def _write_many(value: Collection[object]) -> str:
    return ",".join(map(str, value)) or NONE


def _yes_or_no(text: str, _known: Known) -> bool:
    if text not in ("yes", "no"):
        raise ValueError("It may be yes or no.")
    return text == "yes"


def _write_yes(value: bool) -> str:
    return "yes" if value else "no"


def _write_level(value: Severity) -> str:
    return value.word


_SETTINGS = {
    "quiet": _Setting(
        field="quiet", read=_quiet_hours, write=_write_quiet, meaning="when alerts wait, by the wall clock"
    ),
    "quiet-spares": _Setting(
        field="quiet_spares",
        read=_level,
        write=_write_level,
        meaning="the least level that does not wait",
    ),
    "cap": _Setting(
        field="cap",
        read=_number(*CAP),
        write=str,
        meaning="messages an hour to one hook; an emergency does not count",
    ),
    "repeat": _Setting(
        field="repeat_min",
        read=_number(0, MOST),
        write=str,
        of="level",
        gone=0,
        meaning="minutes until it is told again, if nobody acknowledges it; 0 never",
    ),
    "repeat-times": _Setting(
        field="repeat_times",
        read=_number(0, MOST),
        write=str,
        of="level",
        gone=0,
        meaning="how often it is told again at the most",
    ),
    "snooze": _Setting(
        field="snooze_min",
        read=_snoozes,
        write=_write_many,
        of="level",
        gone=(),
        meaning="minutes that it may be snoozed for; the first unless said",
    ),
    "spared": _Setting(
        field="spared",
        read=_rules,
        write=_write_many,
        meaning="rules whose emergencies are told though all is snoozed; * all",
    ),
    "confirm": _Setting(
        field="confirm_min",
        read=_number(0, MOST),
        write=str,
        of="rule",
        gone=0,
        meaning="minutes that it must hold first; an emergency does not wait",
    ),
    "at-least": _Setting(
        field="at_least", read=_level, write=_write_level, of="rule", meaning="its level at the least"
    ),
    "at-most": _Setting(
        field="at_most",
        read=_level,
        write=_write_level,
        of="rule",
        meaning="its level at the most; an emergency stays one",
    ),
    "repeat-of": _Setting(
        field="repeat_of", read=_number(0, MOST), write=str, of="rule", meaning="its own repeat, in minutes"
    ),
    "expect": _Setting(
        field="expect_min",
        read=_number(0, MOST),
        write=str,
        of="device",
        meaning="minutes that nothing may come from it; 0 is not watched",
    ),
    "paced": _Setting(
        field="paced",
        read=_yes_or_no,
        write=_write_yes,
        meaning="a pacemaker leads the heart, whose rate may stand still",
    ),
}
NAMES = tuple(f"{name}.{s.of.upper()}" if s.of else name for name, s in _SETTINGS.items())
"""The names there are, with what follows their dot."""


def with_word(policy: Policy, word: str, known: Known) -> Policy:
    """Return the policy with one `NAME=VALUE` in it. Raises `UsageError` naming what it may be."""
    written, equals, text = word.partition("=")
    if not equals:
        raise UsageError(f"{_cut(word)} is not understood.", "Write NAME=VALUE, like quiet=22:00-07:00.")
    setting, key = _named(written.strip(), known)
    try:
        value = setting.read(text.strip(), known)
    except ValueError as error:
        raise UsageError(f"{_cut(written.strip())} cannot be {_cut(text)}.", str(error)) from error
    if not setting.of:
        return _with(policy, setting.field, value)
    entries = {**getattr(policy, setting.field), key: value}
    if value == setting.gone:
        del entries[key]
    after = _with(policy, setting.field, entries)
    least, most = after.at_least.get(str(key)), after.at_most.get(str(key))
    if least is not None and most is not None and least > most:
        raise UsageError(
            f"{key} cannot be at least {least.word} and at most {most.word}.",
            f"Take one back first: healthslm alerts policy --reset at-least.{key}",
        )
    return after


def without(policy: Policy, name: str, known: Known) -> Policy:
    """Return the policy with the usual value of one setting. Raises `UsageError` for what is no name."""
    setting, key = _named(name.strip(), known, kept=policy)
    if not setting.of:
        return _with(policy, setting.field, getattr(_USUAL, setting.field))
    usual: Mapping[Any, Any] = getattr(_USUAL, setting.field)
    entries = {**getattr(policy, setting.field)}
    entries.pop(key, None)
    return _with(policy, setting.field, entries | ({key: usual[key]} if key in usual else {}))


def rows(policy: Policy) -> Iterator[Row]:
    """Yield every setting as it is, with the usual value: of rules and devices only those that are set."""
    for name, setting in _SETTINGS.items():
        now, usual = getattr(policy, setting.field), getattr(_USUAL, setting.field)
        if not setting.of:
            yield _row(name, setting, now, usual)
        elif setting.of == "level":
            for word, level in _LEVELS.items():
                values = (entries.get(level, setting.gone) for entries in (now, usual))
                yield _row(f"{name}.{word}", setting, *values)
        else:
            for key in sorted(now):
                yield Row(
                    name=f"{name}.{key}", value=setting.write(now[key]), usual=None, meaning=setting.meaning
                )


def _row(name: str, setting: _Setting, now: object, usual: object) -> Row:
    return Row(name=name, value=setting.write(now), usual=setting.write(usual), meaning=setting.meaning)


def _named(name: str, known: Known, kept: Policy | None = None) -> tuple[_Setting, str | Severity]:
    """Return what a name stands for, and of whom it is; what is `kept` already may be named too."""
    first, dot, of = name.partition(".")
    setting = _SETTINGS.get(first)
    if setting is None:
        raise UsageError(f"There is no setting {_cut(name)}.", f"There are: {', '.join(NAMES)}.")
    if bool(dot) != bool(setting.of):
        how = f"Write {first}.{setting.of.upper()}=VALUE." if setting.of else f"Write {first}=VALUE."
        raise UsageError(f"{_cut(name)} is not the whole name, or more than it.", how)
    if not setting.of:
        return setting, ""
    if setting.of == "level":
        if of not in _LEVELS:
            raise UsageError(f"{_cut(of)} is no level.", f"There are: {', '.join(_LEVELS)}.")
        return setting, _LEVELS[of]
    key = of
    if setting.of == "device":
        called = [address for address, name in known.devices.items() if name == of]
        key = called[0] if len(called) == 1 else of.upper()
    there = known.devices if setting.of == "device" else known.rules
    if key in there or (kept is not None and key in getattr(kept, setting.field)):
        return setting, key
    if setting.of == "device":
        raise UsageError(f"{_cut(of)} is not among the wearables.", "See: healthslm devices list")
    raise UsageError(f"There is no rule {_cut(of)}.", f"There are: {', '.join(known.rules)}.")


def _with(policy: Policy, field_name: str, value: object) -> Policy:
    return Policy.model_validate({**dict(policy), field_name: value})
