// The page for the clinician as a file: of which days, for whom, with or without every reading.
import * as api from "../api.js";
import { trouble } from "../dialog.js";
import { el, say } from "../dom.js";
import { t } from "../words.js";
import { bounds, dayOf, shifted } from "../zone.js";
import { field } from "./parts.js";

const WAIT_MS = 180000; // a year with every reading takes a small board a while
const LETTER = ["en-US", "en-CA", "es-MX", "fr-CA"];

export function exporting() {
  const today = dayOf(Date.now());
  const from = el("input", { type: "date", value: shifted(today, -29), max: today, required: true });
  const to = el("input", { type: "date", value: today, max: today, required: true });
  const focus = el("select", {}, [
    ["general", t("General practice")],
    ["cardiology", t("Cardiology")],
    ["diabetes", t("Diabetes")],
    ["respiratory", t("Respiratory")],
  ].map(([value, text]) => el("option", { value }, text)));
  const appendix = el("input", { type: "checkbox" });
  const button = el("button", { class: "main" }, t("Make the page (PDF)"));
  const told = el("div", { "aria-live": "polite" });
  const form = el(
    "form",
    { class: "card" },
    el("div", { class: "row pair" }, field(t("From"), from), field(t("To"), to)),
    field(t("For"), focus),
    el("label", { class: "check" }, appendix, el("span", {}, t("with every reading as an appendix"))),
    button,
    told,
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    told.replaceChildren(el("p", { class: "quiet" }, t("The box makes the page …")));
    try {
      await save({
        from: new Date(bounds(from.value)[0]).toISOString(),
        to: new Date(bounds(to.value)[1]).toISOString(),
        for: focus.value,
        paper: LETTER.includes(navigator.language) ? "letter" : "a4",
        appendix: appendix.checked ? "1" : "0",
      });
      told.replaceChildren(el("p", {}, t("Saved. The box noted who took it.")));
      say(t("Saved. The box noted who took it."));
    } catch (error) {
      told.replaceChildren(trouble(error));
    } finally {
      button.disabled = false;
    }
  });
  return el("section", {}, el("h2", {}, t("For the clinician")), form);
}

async function save(query) {
  const answer = await api.ask("GET", api.withQuery("/api/v1/export.pdf", query), undefined, { wait: WAIT_MS });
  const name = /filename="([^"]+)"/.exec(answer.headers.get("content-disposition") || "")?.[1] || "healthslm.pdf";
  const url = URL.createObjectURL(await answer.blob());
  const link = el("a", { href: url, download: name, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}
