// How the wearer wants to be warned, who is told, and which phones and programs may look.
import * as api from "../api.js";
import { trouble } from "../dialog.js";
import { el, say } from "../dom.js";
import { roleName } from "../names.js";
import { since } from "../live.js";
import { ago, t } from "../words.js";
import { field } from "./parts.js";

export function settings(who) {
  const place = el("div");
  const wrong = el("div");
  const show = (told) => {
    wrong.replaceChildren();
    place.replaceChildren(wrong, quiet(told, change), hooks(told), clients(told, who, change));
  };
  const change = async (work) => {
    try {
      show(await work());
      say(t("Changed"));
    } catch (error) {
      wrong.replaceChildren(trouble(error));
    }
  };
  const load = async () => {
    try {
      show(await api.get("/api/v1/settings"));
    } catch (error) {
      place.replaceChildren(trouble(error, load));
    }
  };
  load();
  return place;
}

function quiet(told, change) {
  const now = told.wishes.find((one) => one.name === "quiet").value;
  const [from, to] = /^(\d\d:\d\d)-(\d\d:\d\d)$/.exec(now)?.slice(1) || ["", ""];
  const [start, end] = [from, to].map((value) => el("input", { type: "time", value, required: true }));
  const set = (event) => {
    event.preventDefault();
    end.setCustomValidity(start.value === end.value ? t("These are the same.") : "");
    if (!end.reportValidity()) return;
    change(() => api.patch("/api/v1/settings", { words: [`quiet=${start.value}-${end.value}`] }));
  };
  for (const one of [start, end]) one.addEventListener("input", () => end.setCustomValidity(""));
  const none = () => change(() => api.patch("/api/v1/settings", { reset: ["quiet"] }));
  return el(
    "section",
    {},
    el("h2", {}, t("Quiet hours")),
    el(
      "form",
      { class: "card", onsubmit: set },
      el("p", {}, t("In these hours nobody is told, except in an emergency.")),
      field(t("From"), start),
      field(t("To"), end),
      told.warnings.map((one) => el("p", { class: "low", lang: "en" }, one)),
      el("div", { class: "row" },
        el("button", {}, t("Set")),
        now && el("button", { type: "button", onclick: none }, t("No quiet hours"))),
    ),
  );
}

function hooks(told) {
  const none = el("li", {}, t("Nobody is told by the box. On the box: healthslm hooks add"));
  const list = told.hooks.map((one) => el("li", {}, el("strong", {}, one.name), ` · ${one.kind}`));
  return el(
    "section",
    {},
    el("h2", {}, t("Who is told")),
    el("div", { class: "card" }, el("ul", { class: "plain" }, list.length ? list : none), el("p", { class: "quiet" }, t("They are set up at the box alone: they send something away from it."))),
  );
}

function clients(told, who, change) {
  return el("section", {}, el("h2", {}, t("Who may look")), el("ul", { class: "devices" }, told.clients.map((one) => client(one, who, change))));
}

function client(one, who, change) {
  const mine = one.id === who.client;
  const revoke = () => {
    if (confirm(t("Take back what {name} may see?", { name: one.name }))) change(() => api.remove(`/api/v1/clients/${one.id}`));
  };
  return el(
    "li",
    { class: "card" },
    el("h3", {}, one.name),
    el("p", {}, roleName(one.role), mine && ` · ${t("this phone")}`),
    el("p", { class: "quiet" }, one.seen ? t("Last here {ago}", { ago: ago(since(one.seen)) }) : t("Never here")),
    !mine && el("button", { type: "button", class: "minor", onclick: revoke }, t("Take back")),
  );
}
