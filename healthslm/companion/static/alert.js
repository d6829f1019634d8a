// One thing to act on: how severe in word, colour and shape, what to do, and the two things one can say to it.
import * as api from "./api.js";
import { sheet, trouble } from "./dialog.js";
import { el, say } from "./dom.js";
import { featureList } from "./evidence.js";
import { severityName } from "./names.js";
import { severitySign } from "./signs.js";
import { clock, dayClock, minutes as minutesText, t } from "./words.js";

/** The head of a finding: its sign, its severity in words, its title. */
export function findingHead(severity, title) {
  return el(
    "header",
    { class: "finding-head" },
    severitySign(severity),
    el("div", {}, el("p", { class: "severity" }, severityName(severity)), el("h3", { lang: "en" }, title)),
  );
}

/** What a finding stands on, for who may see it. */
export function findingBasis(finding) {
  return el(
    "details",
    {},
    el("summary", {}, t("What it stands on")),
    featureList(finding.evidence),
    finding.missing.length > 0 && el("p", {}, t("Not known:"), " ", el("span", { lang: "en" }, finding.missing.join("; "))),
    el("p", { class: "quiet" }, t("Source:"), " ", el("span", { lang: "en" }, finding.source)),
  );
}

/** An alert as a card; `open` says whether its readings may be seen. */
export function alertCard(first, { open }) {
  const card = el("article", { class: "alert" });
  let shown = "";
  card.update = (alert) => {
    const now = JSON.stringify(alert);
    if (now === shown) return; // so that a button which is about to be pressed stays where it is
    const unfolded = card.querySelector("details.basis-of")?.open;
    shown = now;
    draw(card, alert, open);
    if (unfolded) card.querySelector("details.basis-of").open = true;
  };
  card.update(first);
  return card;
}

function draw(card, alert, open) {
  const { finding } = alert;
  card.className = `alert ${alert.severity}${alert.acknowledged_at ? " seen" : ""}`;
  const basis = open && findingBasis(finding);
  if (basis) basis.classList.add("basis-of");
  card.replaceChildren(
    findingHead(alert.severity, finding.title),
    el("p", { class: "action", lang: "en" }, finding.action),
    el("p", { class: "quiet" }, standing(alert)),
    buttons(card, alert),
    basis || "",
  );
}

function standing(alert) {
  const parts = [t("Since {time}", { time: dayClock(alert.finding.start) })];
  if (alert.over) parts.push(t("over by now"));
  if (alert.acknowledged_at) parts.push(t("seen by {name}", { name: alert.acknowledged_by }));
  if (alert.snoozed_until) parts.push(t("quiet until {time}", { time: clock(alert.snoozed_until) }));
  return parts.join(" · ");
}

function buttons(card, alert) {
  const row = el("div", { class: "row" });
  if (!alert.acknowledged_at) {
    const seen = () => act(card, row, `/api/v1/alerts/${alert.id}/acknowledge`, {}, t("Marked as seen."));
    row.append(el("button", { type: "button", class: "main", onclick: seen }, t("I have seen it")));
  }
  const told = alert.acknowledged_at || alert.over || alert.snoozed_until; // nobody would be reminded
  if (alert.snooze_min.length && !told) row.append(snooze(card, row, alert));
  return row;
}

/** A sheet with one button a choice: a list that acts at once would do so while it is looked through by keys. */
function snooze(card, row, alert) {
  const ask = () => sheet(t("Remind me later"), (body, dialog) => {
    const choose = (minutes) => {
      dialog.close();
      act(card, row, `/api/v1/alerts/${alert.id}/snooze`, { minutes }, t("You will be reminded."));
    };
    body.append(el("p", { lang: "en" }, alert.finding.title), el("div", { class: "column" }, alert.snooze_min.map((one) =>
      el("button", { type: "button", onclick: () => choose(one) }, t("in {time}", { time: minutesText(one) })))));
  });
  return el("button", { type: "button", onclick: ask }, t("Remind me later"));
}

async function act(card, row, path, body, done) {
  for (const one of row.children) one.disabled = true;
  try {
    card.update(await api.post(path, body));
    say(done);
  } catch (error) {
    for (const one of row.children) one.disabled = false;
    card.querySelector(".trouble")?.remove();
    row.after(trouble(error));
  }
}
