// Now: first what to act on, then the latest values, each with its age and whether it can be used.
import { reach } from "../api.js";
import { alertCard } from "../alert.js";
import { el, keyed, setText } from "../dom.js";
import { openReading } from "../evidence.js";
import { live, since } from "../live.js";
import { kindName, qualityName, severityName } from "../names.js";
import { ago, asWritten, dayClock, t } from "../words.js";
import { notMedical } from "./parts.js";

const TOGETHER_MS = 60000; // two halves of one blood pressure
const HASTE_MS = 1500; // a box that answers by then is not worth a word
const LATE_S = 60; // a stream that is silent for so long beyond its own rhythm shows no present value

export function now(main, { who }) {
  const opened = Date.now();
  const wearer = who.role === "wearer";
  const banner = el("div", { class: "banners" });
  const alerts = el("div", { class: "alerts" });
  const noted = el("div", { class: "noted" });
  const calm = el("p", { class: "calm" });
  const vitals = el("div", { class: "vitals" });
  main.append(
    el("h1", { class: "unseen" }, t("Now")),
    banner,
    el("section", {}, el("h2", { class: "unseen" }, t("To act on")), alerts, noted, calm),
    el("section", {}, el("h2", { class: "unseen" }, t("Latest values")), vitals),
    notMedical(),
  );

  const draw = () => {
    const { state } = live;
    keyed(banner, banners(state, Date.now() - opened), (one) => one.key, bannerLine);
    if (!state) return setText(calm, t("Asking the box …"));
    keyed(alerts, state.alerts, (one) => one.id, (one) => alertCard(one, { open: wearer }));
    keyed(noted, state.notes || [], (one) => one.time, noteLine);
    const calmly = !state.alerts.length && !state.notes?.length;
    setText(calm, calmly ? t("Nothing to act on.") : "");
    calm.hidden = !calmly;
    keyed(vitals, grouped(state.vitals), (one) => one.key, () => vitalCard(wearer));
  };
  draw();
  live.addEventListener("change", draw);
  reach.addEventListener("change", draw);
  const counting = setInterval(draw, 1000);
  return () => {
    clearInterval(counting);
    live.removeEventListener("change", draw);
    reach.removeEventListener("change", draw);
  };
}

function banners(state, open) {
  const told = [];
  if (reach.locked) {
    const words = state
      ? t("The box is locked: somebody has to unlock it, on the box. This is its state of {time}, {ago}.", { time: dayClock(state.time), ago: ago(since(state.time)) })
      : t("The box is locked: somebody has to unlock it, on the box.");
    told.push({ key: "away", words });
  } else if (!reach.open) {
    const words = state
      ? t("The box is out of reach. This is its state of {time}, {ago}.", { time: dayClock(state.time), ago: ago(since(state.time)) })
      : t("The box is out of reach. Is the phone in the home network, and the box switched on?");
    told.push({ key: "away", words });
  } else if (state && !live.fresh && open > HASTE_MS) {
    told.push({ key: "old", words: t("Asking the box … This is its state of {time}, {ago}.", { time: dayClock(state.time), ago: ago(since(state.time)) }) });
  } else if (state && !state.listening.at_work) {
    const last = state.listening.last;
    const words = last
      ? t("Nobody has listened to the wearables since {time}. On the box: healthslm run", { time: dayClock(last) })
      : t("Nobody listens to the wearables. On the box: healthslm run");
    told.push({ key: "idle", words });
  }
  return told;
}

/** That a note was judged so; its words are not for everybody who sees this. */
function noteLine() {
  const line = el("p", { class: "banner" });
  line.update = (one) => setText(line, t("A note of {time} was taken as: {level}. See Days.", { time: dayClock(one.time), level: severityName(one.level) }));
  return line;
}

function bannerLine({ key }) {
  const line = el("p", { class: `banner ${key}` });
  line.update = ({ words }) => setText(line, words);
  return line;
}

/** Systolic and diastolic of one measurement are one card; all others one each. */
function grouped(vitals) {
  const by = Object.fromEntries(vitals.map((one) => [one.kind, one]));
  const { systolic, diastolic } = by;
  const pair = systolic?.value && diastolic?.value
    && Math.abs(Date.parse(systolic.time) - Date.parse(diastolic.time)) < TOGETHER_MS;
  return vitals
    .filter((one) => !(pair && one.kind === "diastolic"))
    .map((one) => (pair && one.kind === "systolic"
      ? { ...one, key: "pressure", name: t("Blood pressure"), value: [one.value, diastolic.value] }
      : { ...one, key: one.kind, name: kindName(one.kind, one.title), value: one.value && [one.value] }));
}

function vitalCard(opens) {
  const name = el("span", { class: "name" });
  const value = el("span", { class: "value" });
  const unit = el("span", { class: "unit" });
  const quality = el("span", { class: "quality" });
  const age = el("span", { class: "age" });
  let reading;
  const card = el(
    opens ? "button" : "div",
    { class: "vital", type: opens ? "button" : undefined, onclick: opens && (() => openReading(reading)) },
    name,
    el("span", { class: "figure" }, value, " ", unit),
    quality,
    age,
  );
  card.update = (one) => {
    const old = since(one.time);
    const late = one.holds_s !== null && old > one.holds_s + LATE_S;
    reading = one.reading;
    setText(name, one.name);
    setText(value, one.value ? one.value.map(asWritten).join("/") : "–");
    setText(unit, one.value ? one.unit : "");
    setText(quality, one.quality.map(qualityName).join(", ") || (late ? t("not current") : ""));
    setText(age, ago(old));
    card.classList.toggle("late", late);
    card.classList.toggle("unusable", !one.value);
    card.dataset.kind = one.kind;
  };
  return card;
}
