"""Makes the README's two pictures anew: the demo's terminal, and the clinician's page of recordings.

.venv/bin/python docs/pictures.py DATA

DATA is a folder with the recordings that recorded.py names; without it the page is left as it is.
"""

import io
import re
import sys
import tempfile
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from recorded import ZONE, recorded
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import MONOKAI

from healthslm import demo
from healthslm.cli.measure import RHYTHM
from healthslm.export import picture
from healthslm.settings import load
from healthslm.slm import ModelProcess

HERE = Path(__file__).parent
# Fonts of the reader's machine: a picture in a README fetches nothing.
SVG = re.sub(r"@font-face \{\{.*?\}\}\s*\}?\}?", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


def terminal() -> None:
    """Play the demo's day once, with the model, and save what it shows."""
    zone = ZoneInfo("Europe/Berlin")
    console = Console(record=True, width=104, file=io.StringIO(), highlight=False)
    with tempfile.TemporaryDirectory() as folder, ModelProcess(load().model) as writer:
        out = Path(folder) / "demo-output"
        demo.run(
            RHYTHM,
            out,
            seconds=0,
            zone=zone,
            today=datetime.combine(datetime.now(zone).date() - timedelta(days=1), time.min, zone),
            writer=writer,
            console=console,
        )
        svg = console.export_svg(title="make demo", theme=MONOKAI, code_format=SVG)
        (HERE / "picture-demo.svg").write_text(svg.replace(folder + "/", ""), encoding="utf-8")


def page(data: Path) -> None:
    """Review the recordings' week, with the model, and save the clinician's page."""
    with tempfile.TemporaryDirectory() as folder, ModelProcess(load().model) as writer:
        made = recorded(data, Path(folder), writer=writer, made_at=datetime(2016, 11, 2, 9, tzinfo=ZONE))
    (HERE / "picture-report.png").write_bytes(picture(made, ppi=110))


if __name__ == "__main__":
    terminal()
    if len(sys.argv) > 1:
        page(Path(sys.argv[1]))
