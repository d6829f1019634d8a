// The charts of a view over one period, how long it is, and buttons for who does not drag or pinch.
import * as api from "../api.js";
import { el } from "../dom.js";
import { kindName } from "../names.js";
import { clock, day as dayText, formatted, t } from "../words.js";
import { choices } from "../views/parts.js";
import { bounds, dayOf, shifted } from "../zone.js";
import { Chart } from "./chart.js";
import { Period } from "./period.js";

const DAYS = { day: 1, week: 7, month: 30, year: 365 };
const SETTLED = { settled: true };
const HOUR = 3600000;
const DAY = 24 * HOUR;
const LONG = 180 * DAY; // then the days matter less than the year
const MARKED = 31 * DAY; // the box goes through its rules for each day: not for a year at a time

/** Which kinds stand in one chart: blood pressure is one thing. */
function groups(kinds) {
  const has = new Set(kinds.map(({ kind }) => kind));
  const both = has.has("systolic") && has.has("diastolic");
  const named = kinds.map((one) => ({ ...one, name: kindName(one.kind, one.title) }));
  const of = (kind) => named.find((one) => one.kind === kind);
  return named
    .filter((one) => !(both && one.kind === "diastolic"))
    .map((one) => (both && one.kind === "systolic"
      ? { title: t("Blood pressure"), kinds: [one, of("diastolic")] }
      : { title: one.name, kinds: [one] }));
}

/** Charts of `kinds` that end with `day`; `carer` sees trends alone. Returns the element and how to end it. */
export function panel({ day, kinds, length = "day", carer = false, onlength = () => {} }) {
  const last = bounds(day)[1];
  const period = new Period(bounds(shifted(day, 1 - DAYS[length]))[0], last, carer ? DAY : undefined);
  const found = new Map();
  const marks = (kind) => [...found.values()].flat().filter((one) => concerns(one, kind));
  const charts = groups(kinds).map((group) => new Chart({ ...group, period, marks, opens: !carer }));
  for (const chart of charts) chart.usualAt = bounds(day)[0];

  const lengths = [["day", t("Day")], ["week", t("Week")], ["month", t("Month")], ["year", t("Year")]];
  const to = (name) => {
    onlength(name);
    period.set(bounds(shifted(day, 1 - DAYS[name]))[0], last, SETTLED);
  };
  const shown = el("p", { class: "period" });
  const element = el(
    "div",
    { class: "panel" },
    choices(t("Length of the charts"), lengths, length, to),
    shown,
    el("div", { class: "row steps" },
      button("‹", t("Earlier"), () => period.pan(-0.5, SETTLED)),
      button("−", t("Wider"), () => period.zoom(2, 0.5, SETTLED)),
      button("+", t("Closer"), () => period.zoom(0.5, 0.5, SETTLED)),
      button("›", t("Later"), () => period.pan(0.5, SETTLED))),
    charts.map((one) => one.element),
    el("p", { class: "quiet key" }, t("Band: usual in the four weeks before. Dashed: where a rule begins. Mark: a finding.")),
  );
  const draw = () => {
    shown.textContent = told(period);
    for (const one of charts) one.clear();
    for (const one of charts) one.draw();
  };
  const load = async () => {
    await Promise.all(charts.map((one) => one.load()));
    // An empty chart among others says nothing; where all are, they stay, or nobody could move them back.
    const some = charts.some((one) => one.filled);
    for (const one of charts) one.element.hidden = some && !one.filled;
    performance.mark("charts drawn");
    if (!carer) await findings(period, found, () => charts.forEach((one) => one.draw()));
  };
  period.addEventListener("move", draw);
  period.addEventListener("rest", load);
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", draw);
  draw();
  load();
  return {
    element,
    end() {
      scheme.removeEventListener("change", draw);
      for (const one of charts) one.end();
    },
  };
}

const button = (text, label, onclick) =>
  el("button", { type: "button", class: "step", "aria-label": label, title: label, onclick }, text);

function told({ start, end, length }) {
  if (length > LONG) return [start, end - 1].map((one) => formatted(one, { month: "short", year: "numeric" })).join(" – ");
  const first = dayText(start);
  const last = dayText(end - 1);
  if (first !== last) return `${first} – ${last}`;
  return length > 23 * HOUR ? first : `${first}, ${clock(start)} – ${clock(end)}`;
}

function concerns(finding, kind) {
  return finding.evidence.some((one) => one.name === kind || one.name.startsWith(`${kind}_`));
}

/** Asks day by day for what was found, each once, so that live values need not wait for a month of rules. */
async function findings(period, found, draw) {
  if (period.length > MARKED + HOUR) return;
  const { start, end } = period;
  for (let day = dayOf(end - 1); bounds(day)[1] > start; day = shifted(day, -1)) {
    if (found.has(day) || bounds(day)[0] > Date.now()) continue;
    if (period.start !== start) return; // it was moved on; that asks anew
    const [from, to] = bounds(day).map((one) => new Date(one).toISOString());
    try {
      found.set(day, await api.get("/api/v1/findings", { from, to }));
    } catch {
      return;
    }
    draw();
  }
}
