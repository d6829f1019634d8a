// What the box said to a note: in the view where it was written, or wherever it comes back later.
import { el } from "./dom.js";
import { severityName } from "./names.js";
import { severitySign } from "./signs.js";
import { t } from "./words.js";

/** What the box said to a note. */
export function heard(text, answer) {
  const notice = answer.notice && el("div", { class: "loud", role: "alert" }, severitySign("emergency"), el("p", { lang: "en" }, answer.notice));
  return el(
    "article",
    { class: `alert ${answer.level}` },
    notice,
    el("header", { class: "finding-head" }, severitySign(answer.level),
      el("div", {}, el("p", { class: "severity" }, severityName(answer.level)), el("h3", {}, t("Note kept")))),
    el("p", {}, text),
    answer.reason && el("p", { class: "quiet reason", lang: "en" }, answer.reason),
  );
}
