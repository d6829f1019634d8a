// One more wearable: the box looks which are near, and the wearer chooses.
import * as api from "../api.js";
import { trouble } from "../dialog.js";
import { el, say } from "../dom.js";
import { t } from "../words.js";
import { field } from "./parts.js";

const LOOK_MS = 60000;
const NEAR_DBM = -65;

/** `added` is called with the list of wearables as the box then has it. */
export function adding(added) {
  const found = el("ul", { class: "devices" });
  const told = el("div", { role: "status" });
  const button = el("button", { type: "button" }, t("Add a wearable"));
  button.addEventListener("click", async () => {
    button.disabled = true;
    found.replaceChildren();
    told.replaceChildren(el("p", { class: "quiet" }, t("The box looks around. Put the wearable on or wake it up, and keep it near the box …")));
    try {
      const answer = await api.ask("POST", "/api/v1/devices/scan", {}, { wait: LOOK_MS });
      const { found: near } = await answer.json();
      told.replaceChildren(el("p", {}, near.length
        ? t("Found: {count}", { count: near.length })
        : t("Nothing that healthslm understands was heard. Put the wearable on, wake it up, and make sure that no phone is connected to it.")));
      found.replaceChildren(...near.map((one) => card(one, added)));
    } catch (error) {
      told.replaceChildren(trouble(error));
    } finally {
      button.disabled = false;
    }
  });
  return el("div", { class: "adding" }, button, told, found);
}

function card(one, added) {
  const name = el("input", { value: one.name, maxlength: 60, autocomplete: "off" });
  const button = el("button", { class: "main" }, t("Add"));
  const wrong = el("div", {});
  const form = el("form", { class: "row naming" }, field(t("What you call it"), name), button);
  const asked = el("div", {}, form, wrong);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      const told = await api.post("/api/v1/devices", { address: one.address, name: name.value.trim() });
      added(told);
      const done = told.listening.at_work
        ? t("On the list. The box listens to it.")
        : t("On the list. Nobody listens to the wearables yet. On the box: healthslm run");
      asked.replaceChildren(el("p", {}, done));
      say(done);
    } catch (error) {
      wrong.replaceChildren(trouble(error));
      button.disabled = false;
    }
  });
  const distance = one.rssi >= NEAR_DBM ? t("near") : t("far");
  return el(
    "li",
    { class: "card found" },
    el("h3", {}, one.name || one.address),
    el("p", { class: "quiet" }, el("span", { lang: "en" }, one.measures.join(", ")), ` · ${distance}`),
    one.bonds && el("p", {}, t("Such a wearable usually has to be paired with first. On the box: {command}", { command: `healthslm devices add ${one.address} --pair` })),
    one.listed ? el("p", {}, t("On the list already.")) : asked,
  );
}
