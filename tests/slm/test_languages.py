"""Other languages: noticed where plain, never in English; their emergencies are heard; nothing hangs."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from healthslm.pipeline import ask, at_once
from healthslm.slm import route, triage
from healthslm.slm.answer import EMERGENCY
from healthslm.slm.languages import LANGUAGES, language_of
from healthslm.slm.letters import visible
from healthslm.slm.tools import Unclear
from healthslm.store import CHEAPEST, create
from healthslm.voices import reader

DATA = Path(__file__).parents[1] / "data" / "slm"
ZONE = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 4, 14, 30, tzinfo=UTC)
ABROAD = [
    tuple(line.split(" | ", 1))
    for line in (DATA / "emergencies_abroad.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
QUESTIONS = {
    "de": ("Wie hoch war mein Puls gestern?", "Habe ich gut geschlafen?", "wie ist mein zucker"),
    "fr": ("Quelle était ma fréquence cardiaque hier ?", "Combien de pas aujourd'hui ?",
           "ma tension cette semaine"),
    "es": ("¿Cuál fue mi frecuencia cardíaca ayer?", "cual es mi presion", "¿Cómo dormí anoche?"),
    "it": ("Qual era la mia frequenza cardiaca ieri?", "quanti passi ho fatto oggi"),
    "pt": ("Qual foi minha frequência cardíaca ontem?", "Minha pressão está alta?"),
    "pl": ("Jakie było moje najwyższe tętno wczoraj?", "Ile kroków dzisiaj?"),
    "nl": ("Wat was mijn hoogste hartslag gisteren?", "Hoe heb ik geslapen?"),
    "tr": ("Dün en yüksek nabzım kaçtı?", "Bu gece nasıl uyudum?"),
    "hi": ("कल मेरी धड़कन कितनी थी?",),
    "zh": ("昨天我的心率最高是多少?",),
    "ar": ("ما هو معدل نبضي أمس؟",),
    "other": ("Какой у меня был пульс вчера?", "昨日の心拍数はいくつでしたか", "어제 내 심박수는?"),
}  # fmt: skip
ENGLISH = (
    "hr ystrdy max", "sats", "puls", "what wuz my bp", "wat was my heart rate yestaday", "", "😀",
    "pulse am montag high?", "la fitness class pulse", "my siesta pulse por favor", "SpO2 in der night",
)  # fmt: skip


def written() -> list[str]:
    """Everything in English that somebody wrote for this project."""
    asked, noted = reader.texts_of(reader.voices())
    rows = [
        json.loads(row)
        for name in ("questions", "notes")
        for row in (DATA / f"{name}.jsonl").read_text("utf-8").splitlines()
    ]
    return [one.text for one in (*asked, *noted)] + [row.get("question") or row["text"] for row in rows]


def test_no_text_in_english_is_taken_for_another_language_or_its_emergency() -> None:
    texts = written()
    assert len(texts) > 8000
    assert [text for text in (*texts, *ENGLISH) if language_of(text)] == []


@pytest.mark.parametrize(("code", "question"), [(c, q) for c, some in QUESTIONS.items() for q in some])
def test_a_question_in_another_language_is_told_so_in_it_and_in_english(code: str, question: str) -> None:
    call = route(question, NOW, ZONE).call
    assert isinstance(call, Unclear)
    assert call.why.startswith(LANGUAGES[code].english_only)
    assert "I understand only English" in call.why


def test_it_gets_the_template_s_summary_with_it(tmp_path: Path) -> None:
    store, _ = create(tmp_path / "home", "passphrase", profile=CHEAPEST)
    with store:
        answered = ask(store, "Wie hoch war mein Puls gestern?", now=NOW, zone=ZONE)
    assert "Ich verstehe nur Englisch" in answered.answer.text
    assert answered.answer.text.endswith("so nothing can be said about it.")
    assert answered.answer.origin == "template"


def test_a_note_that_is_not_understood_is_not_waved_through() -> None:
    found = triage("Mir ist seit gestern schwindlig und ich habe Fieber")
    assert found.level == "watch"
    assert "Im Notfall rufen Sie 112" in found.reason


@pytest.mark.parametrize(("code", "text"), ABROAD)
def test_plain_words_of_an_emergency_are_heard_in_each_language(code: str, text: str) -> None:
    assert code in LANGUAGES
    assert route(text, NOW, ZONE).call.tool == "emergency"
    assert triage(text).level == "emergency"


def test_their_notice_is_said_in_the_language_and_in_english() -> None:
    answered = at_once("Ich habe starke Schmerzen in der Brust", now=NOW, zone=ZONE)
    assert answered is not None
    assert answered.answer.text == f"{LANGUAGES['de'].emergency} {EMERGENCY}"


@pytest.mark.parametrize(
    "text", [q for some in QUESTIONS.values() for q in some] + ["Keine Brustschmerzen, alles gut"]
)
def test_a_question_is_no_emergency(text: str) -> None:
    assert route(text, NOW, ZONE).call.tool != "emergency"


@pytest.mark.parametrize(
    "text", ["I сannot brеathe", "ｃｈｅｓｔ ｐａｉｎ", "che\u00adst\u200b pa\u2060in", "I cаn't brеаthе"]
)
def test_what_is_seen_is_heard(text: str) -> None:
    assert triage(text).level == "emergency"


def test_only_words_of_two_scripts_are_read_as_latin() -> None:
    assert visible("сор Москва ½ SpO₂ ﬁne") == "сор Москва 1⁄2 SpO2 fine"


@pytest.mark.parametrize(
    "unit", ["lorem ipsum dolor. ", "i my ", "1 ", "a", "胸", "ﷺ", "took ", "no ", "😀", "\n", "\x00", "सीने "]
)
def test_a_long_paste_is_answered_soon(unit: str) -> None:
    text = (unit * 50_000)[:50_000]
    started = time.process_time()
    route(text, NOW, ZONE)
    triage(text)
    assert time.process_time() - started < 20  # below 1 s on an idle machine


@pytest.mark.parametrize("words", ["I cannot breathe", "ich bekomme keine Luft", "我喘不过气"])
@pytest.mark.parametrize(
    "around", ["We had a fine time there in 2019. ", "and so on and on ", "last year she said she was dying "]
)
def test_an_emergency_in_the_middle_of_a_long_paste_is_heard(words: str, around: str) -> None:
    text = (around * 2000)[:25_000] + f". {words}. " + (around * 2000)[:25_000]
    assert route(text, NOW, ZONE).call.tool == "emergency"
    assert triage(text).level == "emergency"


def test_what_is_past_in_one_sentence_says_nothing_of_the_next() -> None:
    assert triage("Was fine last year. Chest pain and cold sweat.").level == "emergency"
    assert triage("In 2019 I had a stroke. An ordinary day.").level == "info"
