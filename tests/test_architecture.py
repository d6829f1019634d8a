"""The layout of design: who may import whom. Reads the imports with `ast`, runs nothing."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted([*ROOT.glob("healthslm/**/*.py"), *ROOT.glob("device/**/*.py")])

# From the ground up. A module may import from its own part and from parts on a lower level.
LEVELS: list[set[str]] = [
    {"errors", "clock", "secrecy", "fence", "text", "board", "sockets", "notify"},
    {"readings", "settings"},
    {"analysis", "rules", "slm"},
    {"fhir", "as_json"},
    {"ingest", "importers", "alerts", "export", "store"},
    {"live", "links", "people", "history", "rulebook", "wearables", "wishes"},
    {"query", "daily", "absence", "archive", "sealed", "reviewed"},
    {"collector", "rounds", "relay", "nearby"},
    {"pipeline"},
    {"cli", "commands", "companion", "demo", "bench", "evaluation", "training", "voices", "doctor"},
]
CORE = LEVELS[2]
LEVEL = {part: number for number, parts in enumerate(LEVELS) for part in parts}
USES_DEVICE = {
    "ingest",
    "links",
    "absence",
    "sealed",
    "collector",
    "rounds",
    "relay",
    "nearby",
    "pipeline",
} | LEVELS[-1]
EDGES = {"alerts", "sockets", "relay", "nearby", "pipeline"} | LEVELS[-1]
# `rules` judge what `analysis` computed: the one pair of siblings of which one stands on the other.
ALLOWED_SIBLINGS = {("rules", "analysis")}
COMPOSERS = LEVELS[-1]  # what a person starts may use its neighbours


def part_of(module: str) -> str:
    """`healthslm.store.keys` belongs to `store`; the package itself to the ground."""
    pieces = module.split(".")
    return pieces[1] if len(pieces) > 1 else "__init__"


def name_of(path: Path) -> str:
    """The dotted name of a source file."""
    pieces = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(pieces[:-1] if pieces[-1] == "__init__" else pieces)


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in the file."""
    package = name_of(path).split(".")
    package = package if path.name == "__init__.py" else package[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = [*base, *(node.module.split(".") if node.module else [])]
            module = ".".join(base)
            yield module
            if module in ("healthslm", "device"):
                yield from (f"{module}.{alias.name}" for alias in node.names)


def test_there_is_something_to_look_at() -> None:
    assert len(SOURCES) > 5
    parts = {part_of(name_of(p)) for p in SOURCES if name_of(p).startswith("healthslm")}
    assert parts - set(LEVEL) <= {"__init__", "__main__"}, "a new part needs its level here"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_imports_go_down_only(path: Path) -> None:
    here = name_of(path)
    for module in imports(path):
        top = module.split(".")[0]
        if here.startswith("device"):
            assert top != "healthslm", f"{here} imports {module}: device knows nothing of health"
            continue
        mine = part_of(here)
        if top == "device":
            assert mine in USES_DEVICE, f"{here} imports {module}: only the edges know Bluetooth"
        if top != "healthslm" or module == "healthslm" or mine in ("__init__", "__main__"):
            continue
        theirs = part_of(module)
        if theirs not in LEVEL or theirs == mine or (mine, theirs) in ALLOWED_SIBLINGS:
            continue
        composes = mine in COMPOSERS and theirs in COMPOSERS
        assert LEVEL[theirs] < LEVEL[mine] or composes, f"{here} imports {module}: imports go down only"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_only_device_imports_bleak(path: Path) -> None:
    if name_of(path).startswith("healthslm"):
        assert not {"bleak", "bumble"} & {m.split(".")[0] for m in imports(path)}


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_the_core_is_pure(path: Path) -> None:
    """analysis, rules and slm: no radio, database, network, event loop; and no clock but to limit a wait."""
    part = part_of(name_of(path))
    if part not in CORE:
        return
    tops = {m.split(".")[0] for m in imports(path)}
    modules = set(imports(path))
    assert "healthslm.clock" not in modules
    assert not tops & {"sqlite3", "apsw", "socket", "asyncio", "httpx"}
    assert "time" not in tops or name_of(path) in {
        "healthslm.slm.process",
        "healthslm.slm.worker",
        "healthslm.slm.runtime",
    }
    text = path.read_text(encoding="utf-8")
    assert "datetime.now" not in text
    assert ".today()" not in text


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_async_only_at_the_edges(path: Path) -> None:
    here = name_of(path)
    if (
        here.startswith("device")
        or part_of(here) in {"alerts", "sockets", "relay", "nearby", "pipeline"} | LEVELS[-1]
    ):
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not [n for n in ast.walk(tree) if isinstance(n, ast.AsyncFunctionDef)]


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_files_stay_readable(path: Path) -> None:
    assert path.read_text(encoding="utf-8").count("\n") <= 500


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_what_warns_never_asks_the_model(path: Path) -> None:
    """Rules decide, the model explains: nothing on the way from a reading to an alert imports it."""
    if part_of(name_of(path)) in {"analysis", "rules", "live", "ingest", "alerts", "store"}:
        assert not [m for m in imports(path) if m.startswith("healthslm.slm")]
