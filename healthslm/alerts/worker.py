"""The courier's own process: `python -m healthslm.alerts.worker`, JSON lines in, JSON lines out.

It has no key and no store. It is given a hook and a payload at a time, and says whether the hook took it:

    {"id": 1, "hook": {…}, "payload": "…", "key": "…", "limit": 10}   {"id": 1, "ok": true}
    {"id": 2, "warm": {…}}                                            {"id": 2, "error": "…", "hint": "…"}
    {"watch": {"hooks": […], "payload": […], "lock": "…", "after_s": 60}}
    {"bye": true}

It is kept out of the folders that `--keep-out` names, but for the files of `--but`, with every program that
it starts (`healthslm.fence`): the store's are encrypted, and still no business of a hook's.

The first line it writes, `{"id": 0, "ok": true}`, says that it is ready. It ends when it is told `bye`. When
its input ends without one, the core has died: then it has the last word (`healthslm.alerts.last_words`).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import secrets
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from healthslm import fence, secrecy
from healthslm.alerts import last_words
from healthslm.alerts.hooks import Hook, parse_hooks
from healthslm.alerts.last_words import LastWords
from healthslm.clock import utc_now
from healthslm.errors import HookError
from healthslm.fence import Fenced

_LOG = logging.getLogger(__name__)
Say = Callable[[Mapping[str, object]], None]


async def serve(lines: asyncio.StreamReader, say: Say) -> LastWords | None:
    """Answer every line, all at the same time, until there are no more. Returns what is to be said then."""
    words: LastWords | None = None
    at_work: set[asyncio.Task[None]] = set()
    say({"id": 0, "ok": True})
    while (line := await lines.readline()).endswith(b"\n"):  # one that does not was cut by the core's end
        asked = json.loads(line)
        if "bye" in asked:
            words = None
            for task in at_work:
                task.cancel()
            break
        if "watch" in asked:
            words = _watched(asked["watch"])
            continue
        task = asyncio.create_task(_answer(asked, say))
        at_work.add(task)
        task.add_done_callback(at_work.discard)
    await asyncio.gather(*at_work, return_exceptions=True)
    return words


def _watched(watch: Mapping[str, Any]) -> LastWords:
    told = zip(parse_hooks(watch["hooks"]), watch["payload"], strict=True)
    return LastWords(tuple(told), Path(watch["lock"]), watch["after_s"])


async def _answer(asked: Mapping[str, Any], say: Say) -> None:
    number = asked["id"]
    try:
        await _do(asked)
    except HookError as error:
        say({"id": number, "error": error.message, "hint": error.hint})
    except Exception as error:  # one hook's fault must not end the others' deliveries
        _LOG.exception("A delivery failed in a way nobody foresaw.")
        say({"id": number, "error": f"A delivery failed in a way nobody foresaw ({type(error).__name__})."})
    else:
        say({"id": number, "ok": True})


async def _do(asked: Mapping[str, Any]) -> None:
    if "warm" in asked:
        await asyncio.to_thread(_hook(asked["warm"]).ready)  # it takes a while, and nobody waits for it
        return
    await _hook(asked["hook"]).call(asked["payload"], key=asked["key"], clock=utc_now, limit=asked["limit"])


def _hook(row: object) -> Hook:
    (hook,) = parse_hooks([row])
    return hook


async def live(out: int) -> None:
    """Serve until the core ends, and say the last words if it did not say that it would."""
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader(limit=sys.maxsize)  # the core's payloads may be of any length
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin.buffer)
    # Handlers instead of SIG_IGN, which the commands that are started here would inherit.
    ordered = asyncio.Event()
    loop.add_signal_handler(signal.SIGINT, lambda: None)
    loop.add_signal_handler(signal.SIGTERM, ordered.set)  # a service manager tells both; the core says when

    def say(answer: Mapping[str, object]) -> None:
        with contextlib.suppress(OSError):  # the core is gone; its outbox still has it
            os.write(out, json.dumps(answer).encode() + b"\n")

    words = await serve(lines, say)
    loop.remove_signal_handler(signal.SIGTERM)
    if words is not None and not ordered.is_set():
        await last_words.say(words, f"stopped-{secrets.token_hex(8)}")


def main(arguments: list[str] | None = None, *, fenced: Callable[..., Fenced] = fence.courier) -> int:
    """Serve. Anything that prints, prints to standard error: only answers go out.

    `fenced` puts the fence up.
    """
    parser = argparse.ArgumentParser(prog="python -m healthslm.alerts.worker")
    parser.add_argument("--keep-out", type=Path, action="append", default=[], help="A folder or file.")
    parser.add_argument("--but", type=Path, action="append", default=[], help="A file that it may read.")
    parser.add_argument("--strict", action="store_true", help="Do nothing where the kernel has no fence.")
    options = parser.parse_args(arguments)
    if options.keep_out:
        put_up = fenced(options.keep_out, still=options.but)
        if options.strict and not put_up.whole:
            _LOG.error("The courier is kept out of nothing. %s", put_up.missing[0])
            return 1
    secrecy.keep(lock_memory=False)  # hooks hold passwords
    out = os.dup(1)
    os.dup2(2, 1)
    asyncio.run(live(out))
    return 0


if __name__ == "__main__":
    sys.exit(main())
