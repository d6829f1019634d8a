// More: the wearables and one more, the page for the clinician, settings, this phone, and the language.
import * as api from "../api.js";
import { trouble } from "../dialog.js";
import { el } from "../dom.js";
import * as kept from "../kept.js";
import { since, stop } from "../live.js";
import { linkName, roleName } from "../names.js";
import { ago, choose, dayClock, LANGUAGES, number, spoken, t } from "../words.js";
import { adding } from "./adding.js";
import { exporting } from "./export.js";
import { hearing } from "./hearing.js";
import { field, notMedical } from "./parts.js";
import { settings } from "./settings.js";
import { trusting } from "./trust.js";

const LOW = 20; // per cent: below it a battery is marked

export function more(main, { who }) {
  main.append(el("h1", { class: "unseen" }, t("More")));
  if (who.role !== "clinician") main.append(devices(who.role === "wearer"));
  if (who.role === "wearer") main.append(hearing());
  if (who.role !== "carer") main.append(exporting());
  if (who.role === "wearer") main.append(settings(who));
  main.append(me(who), language(), home(), notMedical());
}

function devices(mine) {
  const list = el("ul", { class: "devices" });
  const wrong = el("div");
  const show = ({ devices: told }) => {
    wrong.replaceChildren();
    list.replaceChildren(
      ...(told.length ? told.map((one) => device(one, mine && forget)) : [el("li", {}, t("No wearable yet."))]),
    );
  };
  const load = async () => {
    try {
      show(await api.get("/api/v1/devices"));
    } catch (error) {
      wrong.replaceChildren(trouble(error, load));
    }
  };
  const forget = async (one) => {
    if (!confirm(t("Stop listening to {name}? What it measured is kept.", { name: one.name }))) return;
    try {
      show(await api.remove(`/api/v1/devices/${encodeURIComponent(one.address)}`));
    } catch (error) {
      wrong.replaceChildren(trouble(error));
    }
  };
  load();
  return el("section", {}, el("h2", {}, t("Wearables")), wrong, list, mine && adding(show));
}

function device(one, forget) {
  const low = one.battery !== null && one.battery <= LOW;
  return el(
    "li",
    { class: "card" },
    el("h3", {}, one.name),
    one.model && el("p", { class: "quiet" }, one.model),
    el("p", { class: `link ${one.link === "connected" ? "good" : "idle"}` }, linkName(one.link), one.why && el("span", { lang: "en" }, `: ${one.why}`)),
    one.pair_first && el("p", { class: "low" }, t("It has to be paired with first. On the box: {command}", { command: `healthslm devices add ${one.address} --pair` })),
    el("p", { class: "quiet" }, one.last_heard ? t("Last heard {ago}", { ago: ago(since(one.last_heard)) }) : t("Never heard")),
    one.battery !== null && el("p", { class: low ? "low" : "quiet" }, t("Battery {percent} %", { percent: number(one.battery) }), low && ` · ${t("low")}`),
    forget && el("button", { type: "button", class: "minor", onclick: () => forget(one) }, t("Take off the list")),
  );
}

function me(who) {
  const leave = async () => {
    if (!confirm(t("Sign out and forget everything on this phone? To come back it has to be paired again."))) return;
    await api.remove("/api/v1/session").catch(() => {}); // out of reach: the session ends by itself
    stop();
    await kept.forget();
    location.replace("/");
  };
  const until = el("p", { class: "quiet" });
  api.get("/api/v1/me").then((told) => {
    if (told.expires) until.textContent = t("Until {time}", { time: dayClock(told.expires) });
  }).catch(() => {}); // out of reach: who it is was kept
  return el(
    "section",
    {},
    el("h2", {}, t("This phone")),
    el("div", { class: "card" },
      el("p", {}, t("{name}, as {role}", { name: who.name, role: roleName(who.role) })),
      until,
      el("p", { class: "quiet" }, t("Kept here: its key, the last state that the box told, notes that wait to be sent.")),
      el("button", { type: "button", onclick: leave }, t("Sign out"))),
  );
}

function language() {
  const select = el("select", {}, Object.entries(LANGUAGES).map(([code, name]) =>
    el("option", { value: code, lang: code, selected: code === spoken() }, name)));
  select.addEventListener("change", () => choose(select.value));
  const hint = t("What the box itself says stays in English for now.");
  return el("section", {}, el("h2", {}, t("Language")), el("div", { class: "card" }, field(t("Language of this page"), select, hint)));
}

function home() {
  return el("section", {}, el("h2", {}, t("On the home screen")), el("div", { class: "card" },
    el("p", {}, t("iPhone: Share, then Add to Home Screen. Android: the menu, then Install app.")),
    el("p", { class: "quiet" }, t("An iPhone keeps the installed page apart from Safari: pair it there once more.")),
    trusting()));
}
