"""Which language a question is in, where it is plainly not English, and what is said to that.

Two signs: the letters of another script, and the small words of a language that English has not. In doubt it
is English, however terse, dictated or misspelt: on the 7,600 questions and 5,300 notes of `healthslm.voices`
none is taken for another language (a test). A short question without small words is not noticed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from healthslm.slm.letters import fold

LOOKED_AT = 2000
"""Characters of a text that tell its language."""
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """A language: its name, and in it that only English is understood here and an emergency's notice."""

    name: str
    english_only: str = ""
    emergency: str = ""


ENGLISH_ONLY = (
    "I understand only English, and answer in English. If somebody is unwell and it is severe, sudden or "
    "getting worse, call the emergency number now (112, 911 or 999)."
)
LANGUAGES: Mapping[str, Language] = {
    "de": Language(
        name="German",
        english_only="Ich verstehe nur Englisch und antworte auf Englisch. Im Notfall rufen Sie 112 an.",
        emergency="Das kann ein Notfall sein: Rufen Sie jetzt den Notruf (112).",
    ),
    "fr": Language(
        name="French",
        english_only="Je ne comprends que l'anglais et je réponds en anglais. "
        "En cas d'urgence, appelez le 112.",
        emergency="C'est peut-être une urgence : appelez tout de suite les secours (112).",
    ),
    "es": Language(
        name="Spanish",
        english_only="Solo entiendo inglés y respondo en inglés. En una emergencia, llame al 112 o al 911.",
        emergency="Puede ser una emergencia: llame ahora al número de emergencias (112 o 911).",
    ),
    "it": Language(
        name="Italian",
        english_only="Capisco solo l'inglese e rispondo in inglese. In caso di emergenza chiami il 112.",
        emergency="Può essere un'emergenza: chiami subito il numero di emergenza (112).",
    ),
    "pt": Language(
        name="Portuguese",
        english_only="Só entendo inglês e respondo em inglês. "
        "Em caso de emergência, ligue 112 (no Brasil, 192).",
        emergency="Pode ser uma emergência: ligue agora para a emergência (112; no Brasil 192).",
    ),
    "pl": Language(
        name="Polish",
        english_only="Rozumiem tylko angielski i odpowiadam po angielsku. W nagłym wypadku zadzwoń pod 112.",
        emergency="To może być stan zagrożenia życia: zadzwoń teraz pod numer alarmowy 112.",
    ),
    "nl": Language(
        name="Dutch",
        english_only="Ik begrijp alleen Engels en antwoord in het Engels. Bel bij nood 112.",
        emergency="Dit kan een noodgeval zijn: bel nu het alarmnummer 112.",
    ),
    "tr": Language(
        name="Turkish",
        english_only="Yalnızca İngilizce anlıyorum ve İngilizce cevap veriyorum. Acil durumda 112'yi arayın.",
        emergency="Bu acil bir durum olabilir: hemen 112'yi arayın.",
    ),
    "hi": Language(
        name="Hindi",
        english_only="मैं केवल अंग्रेज़ी समझता हूँ और अंग्रेज़ी में उत्तर देता हूँ। आपात स्थिति में 112 पर फ़ोन करें।",
        emergency="यह आपात स्थिति हो सकती है: अभी 112 पर फ़ोन करें।",
    ),
    "zh": Language(
        name="Chinese",
        english_only="我只懂英语，并用英语回答。紧急情况请拨打急救电话（120、112 或 911）。",
        emergency="这可能是紧急情况：请立即拨打急救电话（中国大陆 120，欧洲 112，北美 911）。",
    ),
    "ar": Language(
        name="Arabic",
        english_only="أفهم الإنجليزية فقط وأجيب بالإنجليزية. في حالة الطوارئ اتصل بالرقم 112 أو 911.",
        emergency="قد تكون هذه حالة طارئة: اتصل الآن برقم الطوارئ (112 أو 911).",
    ),
    "other": Language(name="another language"),
}
_SCRIPTS = {"DEVANAGARI": "hi", "CJK": "zh", "ARABIC": "ar"}
_LETTERS_BEFORE = re.compile(r"[A-Z]+")
_SMALL_WORDS = {
    "de": (
        "ich mein meine meinen meiner mir mich wie war hoch ist sind und der das den dem ein eine einen "
        "nicht wann warum wieviel viele habe hatte haben hab heute gestern letzte letzten letzter woche "
        "nacht puls blutdruck herzfrequenz temperatur fieber schlaf geschlafen gut geht es mit von für "
        "auf über unter zu zum im seit ob kann soll muss wurde niedrig niedrigster höchster "
        "durchschnittlich zucker gewicht schritte wo welche"
    ),
    "fr": (
        "je mon ma mes quel quelle quels quelles est était sont une le la les des du et pas ne que qui où "
        "quand pourquoi comment combien hier aujourd'hui semaine dernière dernier nuit cette ce ai j'ai "
        "avez dormi pouls tension fréquence cardiaque température fièvre sommeil moyenne plus haut élevé "
        "élevée sur sous avec pour dans au aux été suis bien depuis matin soir poids glycémie"
    ),
    "es": (
        "cuál cuánto cuánta cuántos cuándo cómo qué por fue era está estoy mi mis el la los las del una y "
        "en con ayer hoy noche semana pasada pasado última último más alto alta baja bajo ritmo "
        "frecuencia cardíaca presión arterial pulso temperatura fiebre dormí sueño azúcar peso pasos "
        "tengo tuve es para anoche promedio media mañana durante esta este oxígeno"
    ),
    "it": (
        "qual quale quanto quanta quanti quando come perché era è sono il lo la gli le della del dei una "
        "e con mio mia miei mie ieri oggi notte settimana scorsa scorso ultima ultimo più alta alto bassa "
        "basso frequenza cardiaca battito pressione polso temperatura febbre dormito sonno zucchero peso "
        "passi ho avuto di nella stata stato questa media ossigeno stanotte"
    ),
    "pt": (
        "qual quanto quanta quantos quando como porque foi era está estou meu minha meus minhas o os as "
        "do da dos das uma e com ontem hoje noite semana passada passado última último mais alta alto "
        "baixa baixo frequência cardíaca batimento pressão pulso temperatura febre dormi sono açúcar peso "
        "passos tenho tive é não em na no média esta oxigênio saturação"
    ),
    "pl": (
        "jak jaki jaka jakie jaką ile kiedy dlaczego czy był była było jest są mój moja moje moją mojego "
        "w na z i się nie wczoraj dziś dzisiaj noc nocy tydzień tygodniu ostatni ostatnia ostatnim "
        "zeszłym najwyższe najwyższy najwyższa najniższe tętno ciśnienie puls temperatura gorączka sen "
        "spałem spałam cukier waga kroków mam miałem miałam wysokie średnie przez do od"
    ),
    "nl": (
        "ik mijn wat hoe hoeveel wanneer waarom is was het een de van en niet met gisteren vandaag nacht "
        "afgelopen vorige week hoogste laagste gemiddelde hoog hartslag bloeddruk temperatuur koorts "
        "slaap geslapen suiker gewicht stappen heb had ben goed mij deze op voor naar zijn welke sinds"
    ),
    "tr": (
        "benim bana nabzım nabız kalp tansiyonum tansiyon ateşim kaç kaçtı nasıl ne neden dün bugün gece "
        "hafta geçen son en yüksek düşük ortalama mi mı mu mü ve bir bu için uyku uyudum şekerim kilom "
        "adım oksijen var yok zaman kadar oldu dün"
    ),
}
_ENGLISH_WORDS = (
    "a about above all am an and any anything are as at average be been before below bp but by can "
    "could day days did do does down ever for from get give go had has have he heart her high higher "
    "highest him his hour hours how hr i if in is it its just last latest low lower lowest many me "
    "month more morning much my night no not now of off ok on one or our out over oxygen please pls "
    "pressure pulse rate reading sats she should show since sleep so steps sugar tell temp than that "
    "the their them then there these they this time to today too under up was we week weight were "
    "what when where which while who why will with would yesterday you your"
)
_ENGLISH = frozenset(_ENGLISH_WORDS.split())
"""Words that speak for English. What is one of them speaks for no other language."""
_OWN: Mapping[str, frozenset[str]] = {
    code: frozenset(fold(word) for word in words.split()) - _ENGLISH - {"die", "media", "temperatur", "son"}
    for code, words in _SMALL_WORDS.items()
}


def language_of(text: str) -> str:
    """Return the language that a text is plainly in: a key of `LANGUAGES`; empty for English and in doubt."""
    words = [fold(word) for word in _WORD.findall(text[:LOOKED_AT])]
    return _by_script(text[:LOOKED_AT]) or _by_words(words)


def _by_script(text: str) -> str:
    """The language whose script most of the letters are of."""
    scripts: dict[str, int] = {}
    for letter in filter(str.isalpha, unicodedata.normalize("NFKC", text)):
        found = _LETTERS_BEFORE.match(unicodedata.name(letter, ""))
        script = found.group() if found else ""
        scripts[script] = scripts.get(script, 0) + 1
    latin = scripts.pop("LATIN", 0)
    if not scripts or sum(scripts.values()) <= latin:
        return ""
    if "HIRAGANA" in scripts or "KATAKANA" in scripts:  # Japanese has Chinese letters too
        return "other"
    return _SCRIPTS.get(max(scripts, key=lambda script: scripts[script]), "other")


def _by_words(words: list[str]) -> str:
    """The language of most small words: two at least, a third of all, and more than of English."""
    hits = {code: len({word for word in words if word in own}) for code, own in _OWN.items()}
    best = max(hits, key=lambda code: hits[code])
    english = len({word for word in words if word in _ENGLISH})
    if hits[best] < 2 or hits[best] <= english:
        return ""
    share = sum(word in _OWN[best] for word in words) / len(words)
    return best if share >= 1 / 3 else ""


def english_only(code: str) -> str:
    """Say, in a language of `LANGUAGES` and in English, that only English is understood here."""
    return f"{LANGUAGES[code].english_only} {ENGLISH_ONLY}".strip()
