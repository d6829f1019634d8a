// Ask: a question in words, answered from the store with what it stands on; and notes in one's own words.
import * as api from "../api.js";
import { trouble } from "../dialog.js";
import { el, say } from "../dom.js";
import { featureList } from "../evidence.js";
import * as kept from "../kept.js";
import { severityName } from "../names.js";
import { heard } from "../note.js";
import { severitySign } from "../signs.js";
import { outbox, send } from "../outbox.js";
import { dayClock, spoken, t } from "../words.js";
import { withNumbers } from "./days.js";
import { choices, notMedical } from "./parts.js";

const LONGEST = 2000;
let doing = "ask";

export function ask(main) {
  const holder = el("div");
  const draw = () => holder.replaceChildren(doing === "ask" ? questions() : notes());
  main.append(
    el("h1", { class: "unseen" }, t("Ask")),
    choices(t("What to write"), [["ask", t("A question")], ["note", t("A note")]], doing, (chosen) => {
      doing = chosen;
      draw();
    }),
    holder,
    notMedical(),
  );
  draw();
}

function writing(label, action, onsubmit, hint) {
  const text = el("textarea", { rows: 3, maxlength: LONGEST, required: true });
  const button = el("button", { class: "main" }, action);
  const form = el("form", { class: "writing" }, el("label", { class: "field" }, el("span", {}, label), text),
    hint && el("p", { class: "quiet" }, hint), button);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const written = text.value.trim();
    if (!written || button.disabled) return;
    button.disabled = true;
    try {
      if (await onsubmit(written)) text.value = "";
    } finally {
      button.disabled = false;
    }
  });
  return form;
}

function questions() {
  const answers = el("div", { class: "answers" });
  const asked = async (text) => {
    const answer = el("div", { class: "answer" }, el("p", { class: "quiet" }, t("Asking the box …")));
    const card = el("article", { class: "card" }, el("p", { class: "asked" }, text), answer);
    answers.prepend(card);
    try {
      await read(text, answer);
      return true;
    } catch (error) {
      answer.replaceChildren(trouble(error));
      return false;
    }
  };
  const hint = spoken() !== "en" && t("Questions are understood in English for now.");
  return el("div", {}, writing(t("Your question about what was measured"), t("Ask"), asked, hint), answers);
}

/** Reads the answer as it comes, a line of JSON each: sentences, then what they stand on. */
async function read(text, host) {
  const answer = await api.ask("POST", "/api/v1/questions", { text }, { wait: 120000 });
  const sentences = el("p", { lang: "en" });
  host.replaceChildren(sentences);
  for await (const line of lines(answer.body)) {
    if (line.sentence) {
      if (line.urgent) loud(host, line.sentence);
      else sentences.append(...withNumbers({ text: line.sentence, numbers: line.numbers }), " ");
    }
    if (line.anew) sentences.replaceChildren();
    if (line.problem) throw new api.Problem(503, line.problem);
    if (line.done) basis(host, line);
  }
  if (!host.querySelector(".loud")) say(sentences.textContent);
}

async function* lines(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    const parts = (rest + (value || "")).split("\n");
    rest = done ? "" : parts.pop();
    for (const part of parts) if (part.trim()) yield JSON.parse(part);
    if (done) return;
  }
}

function loud(host, text) {
  let box = host.querySelector(".loud");
  if (!box) {
    box = el("div", { class: "loud", role: "alert" }, severitySign("emergency"), el("p", { lang: "en" }));
    host.prepend(box);
  }
  box.querySelector("p").append(`${text} `);
}

function basis(host, { evidence = [], findings = [] }) {
  if (findings.length) {
    host.append(el("ul", { class: "plain" }, findings.map((one) =>
      el("li", { class: `named ${one.severity}` }, severitySign(one.severity), el("span", {}, `${severityName(one.severity)}: `, el("span", { lang: "en" }, one.title))))));
  }
  if (evidence.length) {
    host.append(el("details", {}, el("summary", {}, t("What it stands on")), featureList(evidence)));
  }
}

function notes() {
  const told = el("div", { "aria-live": "polite" });
  const waiting = el("ul", { class: "notes waiting" });
  const draw = async () => {
    waiting.replaceChildren(...(await kept.waiting()).map((one) =>
      el("li", {}, el("span", { class: "quiet" }, `${dayClock(one.written)} · ${t("will be sent")}`), el("p", {}, one.text))));
  };
  const write = async (text) => {
    try {
      const answer = await send(text);
      told.replaceChildren(answer ? heard(text, answer) : el("div", { class: "banner away" },
        el("p", {}, t("Kept on this phone. It will be sent when the box is in reach; until then the box knows nothing of it.")),
        el("p", {}, el("strong", {}, t("If this may be an emergency, call the emergency number now: nobody has read it.")))));
      return true;
    } catch (error) {
      told.replaceChildren(trouble(error));
      return false;
    }
  };
  const changed = ({ detail }) => {
    if (!waiting.isConnected) return outbox.removeEventListener("change", changed);
    if (detail) told.replaceChildren(heard(detail.text, detail.told));
    return draw();
  };
  outbox.addEventListener("change", changed);
  draw();
  return el("div", {}, writing(t("How you feel, what you did, in your own words"), t("Keep the note"), write), told, waiting);
}
