"""A child that puts a fence up and tries it: `python -m healthslm.fence.trying WHICH STORE MODEL`.

It prints one JSON document: what the kernel did not grant, and how each thing that was tried went. With
`--without` it puts none up: by that a test sees that what is tried would work.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from healthslm import fence
from healthslm.fence import tries


def main(arguments: Sequence[str] | None = None) -> int:
    """Put the fence up, try it, print."""
    parser = argparse.ArgumentParser(prog="python -m healthslm.fence.trying")
    parser.add_argument("which", choices=("core", "serving", "writer", "courier"), help="Whose fence.")
    parser.add_argument("store", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--without", action="store_true", help="Put no fence up.")
    options = parser.parse_args(arguments)
    store = options.store.resolve()
    match options.which:  # before it is up: some take what can only be had now
        case "core":
            attempts = tries.of_core()
        case "serving":
            attempts = tries.of_serving()
        case "writer":
            attempts = tries.of_writer(store)
        case _:
            attempts = tries.of_courier(store)
    missing: tuple[str, ...] = ()
    if not options.without:
        match options.which:
            case "writer":
                missing = fence.writer([options.model]).missing
            case "courier":
                missing = fence.courier([store]).missing
            case _:
                missing = fence.core(serving=options.which == "serving").missing
    print(json.dumps({"missing": missing, "tried": [[one.what, one.error] for one in tries.tried(attempts)]}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
