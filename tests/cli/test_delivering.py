"""The courier's process beside `healthslm run`: there once there is somebody to tell."""

import asyncio
from pathlib import Path

from healthslm.alerts import parse_hooks
from healthslm.cli.delivering import Delivering
from healthslm.store import Store


async def test_the_process_is_only_there_once_there_is_a_hook(store: Store, tmp_path: Path) -> None:
    async with Delivering(tmp_path / "run.lock") as delivering:
        hooks_now = delivering.hooks_now(store)
        assert hooks_now() == []
        await asyncio.sleep(0)
        assert delivering.pid is None
        store.put("hooks", [{"kind": "command", "name": "file", "argv": ["tee", str(tmp_path / "told")]}])
        (hook,) = hooks_now()
        await delivering.call(hook, '{"a": 1}', "key")
        assert delivering.pid is not None
        assert (tmp_path / "told").read_text() == '{"a": 1}\n'


async def test_everybodys_hooks_go_by_one_process(store: Store, tmp_path: Path) -> None:
    async with Delivering(tmp_path / "run.lock") as delivering:
        rows = [{"kind": "command", "name": name, "argv": ["true"]} for name in ("mum", "dad")]
        for hook in parse_hooks(rows):
            await delivering.call(hook, "{}", "key")
            first = delivering.pid
        assert delivering.pid == first is not None
