"""Makes the README's two pictures anew: the demo's terminal and the clinician's page.

.venv/bin/python docs/pictures.py
"""

import io
import re
import tempfile
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

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


def main() -> None:
    """Play the demo's day once, with the model, and save what it shows."""
    zone = ZoneInfo("Europe/Berlin")
    console = Console(record=True, width=104, file=io.StringIO(), highlight=False)
    with tempfile.TemporaryDirectory() as folder, ModelProcess(load().model) as writer:
        out = Path(folder) / "demo-output"
        review = demo.run(
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
        (HERE / "picture-report.png").write_bytes(picture(review, ppi=110))


if __name__ == "__main__":
    main()
