"""What a classical program does with the same texts: TF-IDF of words and letters, logistic regression.

It learns from the very texts that the model is tuned on, and hears times and bounds by the rules. Needs
scikit-learn (extra `train`): import this module only while measuring.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_union

from healthslm.slm import hearing
from healthslm.slm.names import Metric
from healthslm.slm.periods import UnknownPeriodError, resolve
from healthslm.voices import Asked, Noted

_HEAD = {"value": 3, "compare": 3, "trend": 2, "time_in_range": 2, "relate": 3, "explain": 2, "refuse": 2}


def _learned(texts: Sequence[str], labels: Sequence[str]) -> Pipeline:
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, min_df=2)
    made = Pipeline(
        [("terms", make_union(words, letters)), ("decide", LogisticRegression(C=20, max_iter=3000))]
    )
    return made.fit(texts, labels)


class Router:
    """Which tool, which metric and which statistic are three decisions; times and bounds are the rules'."""

    def __init__(self, asked: Sequence[Asked]) -> None:
        texts = [one.text.lower() for one in asked]
        self._tool = _learned(texts, [self._head(one.line) for one in asked])
        self._slots = []
        for place in (1, 2):
            told = [
                (text, words[place])
                for text, one in zip(texts, asked, strict=True)
                if len(words := one.line.split()) > place and words[1] in set(Metric)
            ]
            self._slots.append(_learned([t for t, _ in told], [w for _, w in told]))

    @staticmethod
    def _head(line: str) -> str:
        words = line.split()
        return " ".join(words[:2]) if words[0] in ("refuse", "explain", "unclear") else words[0]

    def __call__(self, question: str, now: datetime, zone: Any) -> tuple[str, dict[str, Any]]:
        """Return the tool and its arguments."""
        text = question.lower()
        head = str(self._tool.predict([text])[0]).split()
        tool = head[0]
        if tool in ("refuse", "explain"):
            return tool, {("reason" if tool == "refuse" else "topic"): head[1]}
        heard = hearing.hear(hearing.normal(question))
        usual = {"trend": "last 30 days", "relate": "last 30 days"}.get(tool, "today")
        arguments: dict[str, Any] = {}
        if tool in ("value", "compare", "trend", "time_in_range", "relate"):
            arguments["metric"] = str(self._slots[0].predict([text])[0])
        second = str(self._slots[1].predict([text])[0])
        if tool in ("value", "compare"):
            arguments["statistic"] = (
                second if second in ("latest", "mean", "min", "max", "count", "total") else "mean"
            )
        if tool == "relate":
            arguments["other_metric"] = second
        if tool == "time_in_range":
            arguments |= {"low": heard.low, "high": heard.high}
        if tool in ("devices", "emergency", "unclear") or (
            tool == "value" and arguments["statistic"] == "latest" and not heard.periods
        ):
            return tool, arguments
        try:
            named = [*heard.periods, heard.usual_other or usual, usual]
            arguments["period"] = resolve(named[0], now, zone).model_dump(mode="json")
            if tool == "compare":
                arguments["other_period"] = resolve(named[1], now, zone).model_dump(mode="json")
        except UnknownPeriodError:
            return "unclear", {}
        return tool, arguments


class Leveller:
    """The level of a note."""

    def __init__(self, noted: Sequence[Noted]) -> None:
        texts = [one.text.lower() for one in noted for _ in (0, 1)]
        self._level = _learned(texts, [level for one in noted for level in (one.lowest, one.highest)])

    def __call__(self, note: str) -> str:
        """Return one of the four levels."""
        return str(self._level.predict([note.lower()])[0])
