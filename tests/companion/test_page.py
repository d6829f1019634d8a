"""The page's files: what they may not do, that every text is translated, that what is listed is there."""

import hashlib
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from healthslm.companion.app import application
from healthslm.companion.authority import authority
from healthslm.companion.clients import Role
from healthslm.companion.page import STATIC, shell, worker
from healthslm.companion.wording import LANGUAGES, entries, texts
from healthslm.errors import HealthslmError
from tests.companion.conftest import NOW, Home
from tests.companion.phone import BASE, paired

MODULES = sorted(path for path in STATIC.rglob("*.js") if path.name != "sw.js")
CALLED = re.compile(r'\bt\(\s*"((?:[^"\\]|\\.)*)"')
UNKNOWN = re.compile(r"\bt\(\s*[^\s\")]")
FILLED = re.compile(r"\{(\w+)\}")
SINKS = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", ".style=")
LARGEST_LINES = 300
READABLE = 4.5
"""Contrast of text to its ground: WCAG 2.2, level AA."""


def name(path: Path) -> str:
    return path.relative_to(STATIC).as_posix()


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_makes_no_text_a_script_and_asks_nobody_else(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert [one for one in SINKS if one in source] == []
    assert set(re.findall(r"https?://[^\"'` ]+", source)) <= {"http://www.w3.org/2000/svg"}
    assert not UNKNOWN.search(re.sub(r"function t\([^)]*\)", "", source)), "t() takes the text itself"
    assert source.count("\n") <= LARGEST_LINES
    assert source.startswith("// "), "the first line says what the module is for"


IMPORTED = re.compile(r'\bfrom "([^"]+)"')


def first_view() -> set[Path]:
    """The modules that the page needs before anything is to be seen: `app.js`, and what that imports."""
    found: set[Path] = set()
    ahead = [STATIC / "app.js"]
    while ahead:
        path = ahead.pop()
        if path not in found:
            found.add(path)
            asked = IMPORTED.findall(path.read_text(encoding="utf-8"))
            ahead += [(path.parent / one).resolve() for one in asked]
    return found


def test_the_document_has_nothing_inline_and_names_every_module_of_the_first_view() -> None:
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"\sstyle=|\son\w+=|<style|<script(?![^>]*src=)", page)
    asked = re.findall(r'(?:modulepreload" href|module" src)="/([^"]+)"', page)
    assert sorted(asked) == sorted(name(path) for path in first_view())


def told() -> set[str]:
    return {text for path in MODULES for text in CALLED.findall(path.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_of_the_page_is_translated(language: str) -> None:
    known = texts(language)
    assert told() - known.keys() == set()
    assert known.keys() - told() == set(), "no text of the page any more"
    for text, other in known.items():
        assert sorted(FILLED.findall(text)) == sorted(FILLED.findall(other)), text
        for fixed in re.findall(r"healthslm [a-z]+(?: [a-z]+)?$|healthslm run", text):
            assert fixed in other, "a command is typed as it is"


def test_a_catalogue_is_read_as_gettext_writes_it() -> None:
    long = '# said\n#: a.js\nmsgid ""\n"two "\n"lines"\nmsgstr "zwei \\"Zeilen\\""\n\nmsgid "b"\nmsgstr ""\n'
    assert list(entries(long)) == [("two lines", 'zwei "Zeilen"'), ("b", "")]


@pytest.mark.parametrize("line", ["msgctxt 'x'", "msgid_plural 'x'", 'msgid "x', "msgid x()", '"alone"'])
def test_a_catalogue_that_is_none_is_refused(line: str) -> None:
    with pytest.raises(HealthslmError, match="Line 1 of a catalogue"):
        list(entries(line))


def test_the_worker_keeps_every_file_of_the_page_and_nothing_of_anybody() -> None:
    kept = shell()
    assert {f"/{name(path)}" for path in MODULES} <= kept.keys()
    assert {"/", "/manifest.json", "/icons/icon-192.png", "/locale/de.json"} <= kept.keys()
    assert not any(path.startswith(("/api/", "/trust/", "/sw.js", "/index")) for path in kept)
    assert worker().startswith('const SHELL = {"version": "')


async def test_the_page_is_served_small(home: Home) -> None:
    transport = httpx.ASGITransport(app=home.app, client=("192.168.1.9", 1))
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as http:
        for path, kind in (
            ("/", "html"),
            ("/pair", "html"),
            ("/sw.js", "javascript"),
            ("/app.js", "javascript"),
        ):
            found = await http.get(path)
            assert found.status_code == 200
            assert kind in found.headers["content-type"]
            assert found.headers["cache-control"] == "no-cache"
        assert (await http.get("/app.js")).headers["content-encoding"] == "gzip"
        assert (await http.get("/locale/de.json")).json()["Now"] == "Jetzt"
        assert (await http.get("/locale/xx.json")).status_code == 404


async def test_the_authority_is_told_with_its_fingerprint(home: Home) -> None:
    made = authority(NOW, "ab")
    for known, status in ((made, 200), (None, 404)):
        transport = httpx.ASGITransport(app=application(home.box, known), client=("192.168.1.9", 1))
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as http:
            told = [await http.get(f"/trust/{file}") for file in ("healthslm.crt", "fingerprint.json")]
            assert [one.status_code for one in told] == [status, status]
            if known:
                print_of = hashlib.sha256(told[0].content).hexdigest().upper()
                assert told[1].json() == {"sha256": known.fingerprint}
                assert known.fingerprint.replace(":", "") == print_of


async def test_a_note_that_waited_is_kept_at_the_time_it_was_written(home: Home) -> None:
    phone = await paired(home.app, home.store, Role.WEARER, NOW)
    assert (await phone.post("/api/v1/notes", text="Walked up the hill", age_s=3600)).status_code == 200
    (kept,) = home.store.notes(NOW - timedelta(hours=2), NOW)
    assert kept.time == NOW - timedelta(hours=1)
    # Its answer was lost, and it is sent again a little later.
    home.clock.pass_(seconds=90)
    assert (await phone.post("/api/v1/notes", text="Walked up the hill", age_s=3691)).status_code == 200
    assert len(home.store.notes(NOW - timedelta(hours=2), NOW)) == 1
    assert (await phone.post("/api/v1/notes", text="Tomorrow", age_s=-1)).status_code == 422


def test_all_that_is_read_stands_out_from_its_ground() -> None:
    for scheme in schemes():
        for ground in ("card", "paper"):
            for text in ("ink", "quiet", "accent", "emergency", "urgent", "watch", "info", "limit", "second"):
                assert contrast(scheme[text], scheme[ground]) >= READABLE, f"{text} on {ground}"
        assert contrast(scheme["on-accent"], scheme["accent"]) >= READABLE
        assert contrast(scheme["edge"], scheme["card"]) >= 3  # the border that makes a field a field


def schemes() -> Iterator[dict[str, str]]:
    """The colours of the light and the dark page."""
    style = (STATIC / "style" / "base.css").read_text(encoding="utf-8")
    light, dark = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    found: dict[str, str] = {}
    for part in (light, dark):
        found = found | dict(re.findall(r"--([\w-]+): #([0-9a-f]{6});", part))
        yield found


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2.2 (1.4.3)."""
    bright, dim = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
