// Where a number comes from: what it was computed of, down to the single readings as they were received.
import * as api from "./api.js";
import { sheet, trouble } from "./dialog.js";
import { el } from "./dom.js";
import { featureName, kindName, qualityName, unitName } from "./names.js";
import { asWritten, clockFull, dayClock, number, t } from "./words.js";

const MOST = 20;

/** A number as a button that opens what it stands on; for a role that may see readings. */
export function numberButton(text, feature) {
  const name = featureName(feature.name);
  return el(
    "button",
    { type: "button", class: "number", "aria-label": `${text}, ${name}`, onclick: () => openFeature(feature) },
    text,
  );
}

/** A list of features, each with its value and, where it has one, its evidence. */
export function featureList(features) {
  return el(
    "dl",
    { class: "pairs" },
    features.map((one) => [
      el("dt", {}, featureName(one.name)),
      el("dd", {}, one.value === null ? el("span", { lang: "en" }, one.reason) : numberButton(value(one), one)),
    ]),
  );
}

const value = (feature) => `${asWritten(feature.value)} ${unitName(feature.unit)}`.trim();

function openFeature(feature) {
  sheet(featureName(feature.name), (body) => {
    const facts = [
      [t("Value"), feature.value === null ? feature.reason : value(feature)],
      feature.at && [t("At"), dayClock(feature.at)],
      [t("From"), dayClock(feature.start)],
      [t("To"), dayClock(feature.end)],
      [t("Readings"), number(feature.count)],
      feature.coverage !== null && [t("Coverage"), `${number(feature.coverage * 100)} %`],
    ].filter(Boolean);
    body.append(pairs(facts));
    const ids = feature.readings;
    if (!ids.length) return;
    const list = el("ul", { class: "readings" });
    body.append(el("h3", {}, t("The readings it stands on")), list);
    if (ids.length > MOST) {
      body.append(el("p", { class: "quiet" }, t("The first {some} of {all}.", { some: MOST, all: number(ids.length) })));
    }
    for (const id of ids.slice(0, MOST)) list.append(readingItem(id));
  });
}

export function openReading(id, title) {
  sheet(title || t("Reading"), (body) => show(body, id));
}

function readingItem(id) {
  const item = el("li");
  const load = () => show(item, id);
  item.append(el("p", { class: "quiet" }, "…"));
  load();
  return item;
}

async function show(host, id) {
  try {
    const one = await api.get(`/api/v1/readings/${id}`);
    host.replaceChildren(pairs(told(one)));
  } catch (error) {
    host.replaceChildren(trouble(error, () => show(host, id)));
  }
}

function told(one) {
  const from = [one.device.name || one.device.address, one.device.model].filter(Boolean).join(", ");
  return [
    [kindName(one.kind, one.title), `${asWritten(one.value)} ${one.unit}`],
    [t("Time"), `${dayClock(one.time)} (${clockFull(one.time)})`],
    [t("Device"), from],
    one.device_time && [t("Device's own clock"), one.device_time.replace("T", " ")],
    one.sequence !== null && [t("Sequence number"), String(one.sequence)],
    [t("Quality"), one.quality.map(qualityName).join(", ") || t("good")],
    one.context && Object.keys(one.context).length && [t("Context"), contextOf(one.context)],
    [t("Number"), one.id],
  ].filter(Boolean);
}

const contextOf = (context) => (typeof context === "string" ? context : JSON.stringify(context));

export function pairs(facts) {
  return el("dl", { class: "pairs" }, facts.map(([name, told]) => [el("dt", {}, name), el("dd", {}, told)]));
}
