"""Sets one page with typst, in a process of its own: a job on standard input, the file on standard output.

typst keeps what it has set for the next time, about 45 MB a page up to 600 MB (measured); a process that ends
gives it all back. Run by its path, this file needs nothing of healthslm and starts in a tenth of a second.
A job is JSON: `template`, `data` (strings), `format` (`pdf` or `png`), `standards`, `timestamp`, `ppi`,
`system_fonts` (whether those of the machine are looked at).
Exit code `REFUSED`: typst's message is on standard error.
"""

from __future__ import annotations

import json
import sys

import typst

REFUSED = 3


def main() -> int:
    """Set the page of the job on standard input; return the exit code."""
    job = json.loads(sys.stdin.buffer.read())
    try:
        compiler = typst.Compiler(
            job["template"].encode(),
            ignore_system_fonts=not job["system_fonts"],
            sys_inputs={"data": job["data"]},
        )
        made = compiler.compile(
            format=job["format"],
            pdf_standards=job["standards"],
            timestamp=job["timestamp"],
            ppi=job["ppi"],
        )
    except typst.TypstError as error:
        sys.stderr.buffer.write(error.message.encode("utf-8", "replace"))
        return REFUSED
    if not isinstance(made, bytes):
        sys.stderr.write("the page became more than one")
        return REFUSED
    sys.stdout.buffer.write(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
