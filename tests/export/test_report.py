"""The page: one, the same bytes every time, every number on it from the review, no text that runs."""

import io
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pypdf
import pytest

from healthslm.errors import ExportError
from healthslm.export import picture, report, words
from healthslm.export.page import page
from healthslm.export.words import fingerprint
from healthslm.readings import KINDS, Feature, Kind, Note, Reading, Review, Sentence, Summary, instant, moment
from healthslm.rules import RULES

HOSTILE = ("hostile", "name code", "name long", "name control", "name blank", "name emoji", "name zalgo")
ODD = (
    "no data",
    "one reading",
    "thirty findings",
    "findings without readings",
    "a week",
    "an hour",
    "clocks change",
)


def pdf(review: Review) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(report(review)))


def text_of(review: Review) -> str:
    return pdf(review).pages[0].extract_text().replace("\u00a0", " ")


def flat(text: str) -> str:
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("name", ["sick", "name arabic", "name chinese", *HOSTILE, *ODD])
def test_it_is_one_a4_page_whatever_is_in_it(name: str, reviews: dict[str, Review]) -> None:
    made = pdf(reviews[name])
    assert len(made.pages) == 1
    box = made.pages[0].mediabox
    assert (round(box.width), round(box.height)) == (595, 842)
    assert "Not a medical device" in flat(made.pages[0].extract_text())


def crowded(sick: Review) -> Review:
    """More of everything than there is room for."""
    long = Sentence(
        text="The heart rate was on average 72 bpm, which is a sentence of some length. " * 2, origin="model"
    )
    notes = [
        Note(
            time=sick.start + timedelta(hours=n),
            text="dizzy since lunch " * 11,
            level="watch",
            reason="",
            origin="model",
        )
        for n in range(8)
    ]
    own = replace(RULES[0].thresholds[0], usual=1.0, by="Dr. Weber", why="agreed " * 20, at=sick.start)
    return replace(
        sick,
        findings=sick.findings * 6,
        clinical=Summary(sentences=(long,) * 20, model_id="m"),
        written=tuple(notes),
        thresholds={f"rule_{n}": (own,) for n in range(6)},
        devices=tuple(
            replace(sick.devices[0], address=f"C0:{n}", model="a long name of a model") for n in range(9)
        ),
    )


@pytest.mark.parametrize("name", ["sick", "crowded", "thirty findings", *ODD])
def test_nothing_runs_over_the_foot(name: str, sick: Review, reviews: dict[str, Review]) -> None:
    """What is cut off is still text in the file: so where it stands is looked at, not whether it is there."""
    review = crowded(sick) if name == "crowded" else reviews[name]
    places: list[tuple[float, str]] = []

    def note(text: str, cm: list[float], tm: list[float], _font: object, _size: float) -> None:
        if text.strip():
            places.append((cm[3] * tm[5] + cm[5], text))

    pdf(review).pages[0].extract_text(visitor_text=note)
    margin = 18 / 25.4 * 72
    below = " ".join(text for y, text in places if y < margin)
    assert len(places) > 10
    assert flat(below).strip().startswith("Not a medical device")


def test_the_same_review_gives_the_same_bytes(sick: Review) -> None:
    first, again = report(sick), report(replace(sick))
    assert first == again
    later = replace(sick, made_at=sick.made_at + timedelta(hours=1))
    assert report(later) != first


def test_it_is_dated_tagged_archivable_and_carries_its_fonts(sick: Review) -> None:
    made = pdf(sick)
    assert made.metadata is not None
    assert made.metadata.creation_date == sick.made_at
    root = made.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en"
    xmp = root["/Metadata"].get_data().decode()
    assert re.search(r"pdfaid:part.?>?.?=?.?2", xmp)
    assert "pdfuaid" in xmp
    fonts = made.pages[0]["/Resources"]["/Font"]
    assert len(fonts)
    for font in fonts.values():
        descendant = font.get_object()["/DescendantFonts"][0].get_object()
        descriptor = descendant["/FontDescriptor"].get_object()
        assert {"/FontFile", "/FontFile2", "/FontFile3"} & set(descriptor)


def clocks(review: Review) -> set[str]:
    """Every local time of day that the review knows of."""
    tz = ZoneInfo(review.timezone)
    known: list[datetime] = [review.start, review.end, review.made_at]
    for window in review.windows.values():
        known += [moment(t) for t in window.times]
        known += [edge for gap in window.usable().gaps for edge in gap]
    for finding in review.findings:
        known += [finding.start, finding.end]
    features = [*review.features, *(e for f in review.findings for e in f.evidence)]
    known += [f.at for f in features if f.at]
    local = [t.astimezone(tz) for t in known]
    return {"24:00", *(f"{t:%H:%M}" for t in local), *(f"{t:%H:%M:%S}" for t in local)}


def numbers_in(texts: Iterable[str]) -> set[str]:
    return {n for text in texts for n in re.findall(r"\d+(?:[.:]\d+)*", text)}


def known_numbers(review: Review) -> set[str]:
    """Every number that the review holds, as it may be written."""
    features: list[Feature] = [*review.features, *(e for f in review.findings for e in f.evidence)]
    known = {f.text for f in features} | {str(f.count) for f in features}
    known |= {f"{f.coverage * 100:.0f}" for f in features if f.coverage is not None}
    for kind, window in review.windows.items():
        known |= {f"{v:.{KINDS[kind].decimals}f}" for v in window.values}
        known |= {str(len(window)), str(len(window) - len(window.usable()))}
    texts = [
        review.person.name,
        review.person.birth_date,
        "5-minute SpO2 0.1.0 sha256",
        fingerprint(review)[:16],
    ]
    texts += [f.reason for f in features if f.value is None]
    for finding in review.findings:
        texts += [finding.title, finding.action, finding.source, finding.version, *finding.missing]
        length = round((finding.end - finding.start).total_seconds() / 60)
        known |= {str(length), str(length // 60), f"{length % 60:02d}"}
    for device in review.devices:
        texts += [device.name, device.manufacturer, device.model, device.serial, device.firmware]
    for summary in (review.summary, review.clinical):
        texts += [summary.model_id] if summary else []
    dates = {str(d) for d in (14, 15, 2026)}
    return (
        known | numbers_in(texts) | clocks(review) | {str(n) for n in range(len(review.findings) + 1)} | dates
    )


def axis_labels(review: Review) -> set[str]:
    shown = page(review)
    ticks = [t["label"] for v in shown["vitals"] for t in v["yticks"]] + [t["label"] for t in shown["xticks"]]
    if shown["strip"]:
        ticks += [t["label"] for t in (*shown["strip"]["yticks"], *shown["strip"]["xticks"])]
        ticks += [str(shown["strip"]["beats"])]
    return numbers_in(ticks) | {"01:00"}  # the offset of the zone


def test_every_number_on_the_page_is_in_the_review(sick: Review) -> None:
    words = text_of(sick).replace("SpO\n2", "SpO2")
    strange = numbers_in([words]) - known_numbers(sick) - axis_labels(sick)
    assert strange == set()


def test_the_check_of_numbers_can_fail(sick: Review) -> None:
    assert "77.7" not in known_numbers(sick) | axis_labels(sick)


def test_what_a_clinician_looks_for_is_there(sick: Review) -> None:
    words = flat(text_of(sick))
    for finding in sick.findings:
        assert finding.title in words
        assert finding.severity.word.upper() in words
        assert finding.action in words
        assert f"Rule {finding.rule} v{finding.version}" in words
        for evidence in finding.evidence:
            assert evidence.text in words
    assert "Greta Müller-Øster, born 1950-04-01" in words
    assert "Europe/Berlin (UTC+01:00)" in words
    assert "longest without data 02:12 to 05:36" in words
    assert fingerprint(sick)[:16] in words
    assert "Polar H10" in words
    assert "smollm2-135m-q4" in words


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_printed_and_not_run(name: str, reviews: dict[str, Review]) -> None:
    words = flat(text_of(reviews[name]))
    if name == "name code":
        assert '#eval("1+1") #sys.inputs \\ "quoted"' in words
    if name == "name control":
        assert "AB C D\ufffdE F, born" in words or "AB C D\ufffdE F, date" in words
    if name == "name blank":
        assert "Name not given" in words


def test_letters_without_a_glyph_are_admitted(reviews: dict[str, Review]) -> None:
    assert "show as boxes" in flat(text_of(reviews["name of no font"]))
    assert "show as boxes" not in flat(text_of(reviews["sick"]))
    assert "محمد" in text_of(reviews["name arabic"])


def test_the_machines_fonts_have_letters_that_ours_lack(reviews: dict[str, Review]) -> None:
    if not any(Path("/usr/share/fonts").rglob("*CJK*")):
        pytest.skip("no Chinese font here; on Debian: apt install fonts-noto-cjk")
    made = pdf(reviews["name chinese"])
    assert "王小明" in made.pages[0].extract_text()
    assert "pdfuaid" in made.trailer["/Root"]["/Metadata"].get_data().decode()
    assert report(reviews["name chinese"]) == report(reviews["name chinese"])


def test_many_findings_are_counted_and_the_worst_come_first(reviews: dict[str, Review]) -> None:
    words = flat(text_of(reviews["thirty findings"]))
    assert "7 emergency, 7 urgent, 8 watch, 8 info" in words
    more = re.search(r"And (\d+) more \((.*?)\) not printed here; all are in the FHIR Bundle", words)
    assert more
    assert "emergency" not in more[2]
    shown = words.count("A finding with a long title A finding")
    assert shown + int(more[1]) == 30


def test_a_period_without_data_says_so(reviews: dict[str, Review]) -> None:
    words = flat(text_of(reviews["no data"]))
    assert "No reading was received in this period" in words
    assert "The rules had nothing to look at" in words
    assert not re.search(r"\b0 (bpm|%|mmHg)", words)


def test_a_statistic_of_another_period_is_not_shown_for_this_one(sick: Review) -> None:
    shorter = replace(sick, end=sick.end - timedelta(hours=1))
    rows = [r for v in page(shorter)["vitals"] for r in v["rows"]]
    assert {r["mean"] for r in rows} == {"–"}


def test_extremes_survive_thinning(make: Callable[..., Review], sick: Review) -> None:
    window = sick.windows[Kind.HEART_RATE]
    readings = [
        Reading(time=moment(t), kind=Kind.HEART_RATE, value=v, device="d", id=n)
        for n, (t, v) in enumerate(zip(window.times, window.values.tolist(), strict=True))
    ]
    readings[3000] = replace(readings[3000], value=211.0)
    (rate, *_) = page(make(readings))["vitals"]
    assert rate["rows"][0]["max"] == "211"
    points = [p for stroke in rate["strokes"] for p in stroke]
    assert len(points) < 4 * 320
    top = max(float(t["label"]) for t in rate["yticks"])
    bottom = min(float(t["label"]) for t in rate["yticks"])
    highest = min(y for _, y in points)
    assert top - highest * (top - bottom) == pytest.approx(211, abs=0.1)


def test_gaps_stay_gaps(sick: Review) -> None:
    (rate, *_) = page(sick)["vitals"]
    for hole in rate["holes"]:
        for stroke in rate["strokes"]:
            assert stroke[-1][0] <= hole["x0"] + 0.001 or stroke[0][0] >= hole["x1"] - 0.001
    assert [round(h["x0"] * 24, 1) for h in rate["holes"]] == [2.2, 13.1]
    assert [round(h["x1"] * 24, 1) for h in rate["holes"]] == [5.6, 13.4]


def test_the_strip_shows_beats_of_the_irregular_stretch(sick: Review) -> None:
    strip = page(sick)["strip"]
    finding = next(f for f in sick.findings if f.rule == "irregular_rhythm")
    window = sick.windows[Kind.RR_INTERVAL].between(finding.start, finding.end)
    assert strip["beats"] == len(strip["dots"]) > 100
    assert instant(finding.start) <= window.times[0]
    assert strip["of"] == f"of finding {1 + words.ordered(sick).index(finding)}"
    assert "no finding" in page(replace(sick, findings=()))["strip"]["of"]
    assert page(replace(sick, beats=None))["strip"] is None


def test_numbers_that_are_none_do_not_reach_the_page(make: Callable[..., Review], sick: Review) -> None:
    at = sick.start + timedelta(hours=2)
    nan = float("nan")
    rows = [(Kind.HEART_RATE, nan), (Kind.SPO2, nan), (Kind.TEMPERATURE, nan), (Kind.SYSTOLIC, nan)]
    readings = [Reading(time=at, kind=k, value=v, device="d", id=n) for n, (k, v) in enumerate(rows)]
    review = replace(make(readings, findings=(), features=(), clinical=None))
    assert "nan" not in text_of(review).lower()


def test_a_wrong_zone_is_refused(sick: Review) -> None:
    with pytest.raises(ExportError, match="Mars/Olympus"):
        report(replace(sick, timezone="Mars/Olympus"))


def test_a_picture_can_be_had(sick: Review) -> None:
    assert picture(sick, ppi=40).startswith(b"\x89PNG")
