// Days: what a day came to, each number with what it stands on, and the charts that end with it.
import * as api from "../api.js";
import { findingBasis, findingHead } from "../alert.js";
import { panel } from "../chart/panel.js";
import { trouble } from "../dialog.js";
import { el } from "../dom.js";
import { featureList, numberButton } from "../evidence.js";
import * as kept from "../kept.js";
import { live } from "../live.js";
import { severityName } from "../names.js";
import { ago, clock, inZone, longDay, t } from "../words.js";
import { bounds, dayOf, shifted } from "../zone.js";
import { notMedical } from "./parts.js";

const MATTERS = { emergency: 0, urgent: 1, watch: 2, info: 3 };
let length = "day"; // as it was chosen last

export function days(main, { rest }) {
  const holder = el("div");
  const wanted = /^\d{4}-\d\d-\d\d$/.test(rest[0] || "") ? rest[0] : dayOf(Date.now());
  const input = el("input", { type: "date", value: wanted, "aria-label": t("Day"), max: dayOf(Date.now()) });
  const to = (day) => { location.hash = `#days/${day}`; };
  const latest = wanted >= dayOf(Date.now());
  const step = (text, label, by) =>
    el("button", { type: "button", class: "step", "aria-label": label, disabled: by > 0 && latest, onclick: () => to(shifted(wanted, by)) }, text);
  input.addEventListener("change", () => input.value && to(input.value));
  main.append(
    el("h1", { class: "day-title" }, longDay((bounds(wanted)[0] + bounds(wanted)[1]) / 2)),
    el("div", { class: "row chooser" }, step("‹", t("The day before"), -1), input, step("›", t("The day after"), 1)),
    holder,
    notMedical(),
  );
  const state = { gone: false, panel: null };
  show(holder, wanted, state);
  return () => {
    state.gone = true;
    state.panel?.end();
  };
}

async function show(holder, day, state) {
  holder.replaceChildren(el("p", { class: "quiet", "aria-live": "polite" }, t("Asking the box …")));
  try {
    const told = await api.get(`/api/v1/days/${day}`);
    if (state.gone) return;
    kept.put("day", { told, at: Date.now() }).catch(() => {}); // full or forbidden: it is only not kept
    fill(holder, told, state);
  } catch (error) {
    const last = error instanceof api.OutOfReach ? await kept.get("day") : null;
    if (state.gone) return;
    if (last?.told.day !== day) return holder.replaceChildren(trouble(error, () => show(holder, day, state)));
    fill(holder, last.told, state, el("p", { class: "banner away" },
      `${error.message} ${t("This is what it told {ago}.", { ago: ago((Date.now() - last.at) / 1000) })}`));
  }
}

function fill(holder, told, state, banner) {
  state.panel?.end();
  // What was measured lately has a chart too: a week may have what its last day has not.
  const lately = (live.state?.vitals || []).filter((one) => !told.kinds.some(({ kind }) => kind === one.kind));
  const kinds = [...told.kinds, ...lately];
  holder.replaceChildren(banner || "", summary(told), found(told.findings));
  if (kinds.length) {
    state.panel = panel({ day: told.day, kinds, length, onlength: (name) => { length = name; } });
    holder.append(el("section", {}, el("h2", {}, t("Charts")), state.panel.element));
  }
  holder.append(notes(told.notes), numbers(told.features));
}

function summary(told) {
  const text = told.summary;
  if (!told.kinds.length) return el("section", { class: "card" }, el("p", {}, t("Nothing was measured on this day.")));
  if (!text) return "";
  return el(
    "section",
    { class: "card summary", "aria-label": t("Summary") },
    el("p", { lang: "en" }, text.sentences.map((one) => [withNumbers(one), " "])),
  );
}

/** A sentence with each of its numbers as a button to what it stands on. */
export function withNumbers({ text, numbers }) {
  const parts = [];
  let at = 0;
  // Places are counted in characters, which JavaScript's own strings are not always made of.
  const letters = [...text];
  for (const one of [...(numbers || [])].sort((a, b) => a.start - b.start)) {
    if (one.start < at) continue;
    parts.push(letters.slice(at, one.start).join(""), numberButton(one.text, one.evidence));
    at = one.end;
  }
  return [...parts, letters.slice(at).join("")];
}

function found(findings) {
  if (!findings.length) return "";
  const ordered = [...findings].sort((a, b) => MATTERS[a.severity] - MATTERS[b.severity]);
  return el(
    "section",
    { "aria-label": t("Findings") },
    el("h2", {}, t("Findings")),
    ordered.map((one) =>
      el(
        "article",
        { class: `alert ${one.severity}` },
        findingHead(one.severity, one.title),
        el("p", { class: "action", lang: "en" }, one.action),
        el("p", { class: "quiet" }, `${clock(one.start)} – ${one.ongoing ? t("still") : clock(one.end)}`),
        findingBasis(one),
      ),
    ),
  );
}

function notes(written) {
  if (!written.length) return "";
  return el(
    "section",
    {},
    el("h2", {}, t("Notes")),
    el("ul", { class: "notes" }, written.map((one) =>
      el("li", {}, el("span", { class: "quiet" }, `${clock(one.time)} · ${severityName(one.level)}`), el("p", {}, one.text)))),
  );
}

function numbers(features) {
  if (!features.length) return "";
  return el("details", { class: "card" }, el("summary", {}, t("All numbers of the day")), featureList(features));
}
