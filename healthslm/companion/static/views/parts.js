// What several views have.
import { el } from "../dom.js";
import { t } from "../words.js";

/** Stands wherever a person reads a result. */
export const notMedical = () =>
  el("p", { class: "disclaimer" }, t("Not a medical device. A finding is a prompt to act, not a diagnosis."));

/** A labelled field. */
export function field(label, control, hint) {
  return el("label", { class: "field" }, el("span", {}, label), control, hint && el("small", {}, hint));
}

/** One of a few choices, as radio buttons that look like a bar. */
export function choices(label, options, chosen, onchange) {
  const name = `choice-${Math.random().toString(36).slice(2)}`;
  return el(
    "fieldset",
    { class: "choices" },
    el("legend", { class: "unseen" }, label),
    options.map(([value, text]) =>
      el(
        "label",
        {},
        el("input", { type: "radio", name, value, checked: value === chosen, onchange: () => onchange(value) }),
        el("span", {}, text),
      ),
    ),
  );
}
