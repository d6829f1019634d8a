// Trends: what a carer sees of the past. Charts no finer than hours, and no single reading.
import * as api from "../api.js";
import { panel } from "../chart/panel.js";
import { trouble } from "../dialog.js";
import { el } from "../dom.js";
import { live, take } from "../live.js";
import { t } from "../words.js";
import { dayOf } from "../zone.js";
import { notMedical } from "./parts.js";

let length = "week";

export function trends(main) {
  const holder = el("div");
  const state = { gone: false, panel: null };
  main.append(el("h1", {}, t("Trends")), holder, notMedical());
  show(holder, state);
  return () => {
    state.gone = true;
    state.panel?.end();
  };
}

async function show(holder, state) {
  try {
    if (!live.fresh) take(await api.get("/api/v1/now"));
    if (state.gone) return;
    const kinds = live.state.vitals;
    if (!kinds.length) return holder.replaceChildren(el("p", {}, t("Nothing was measured in the last seven days.")));
    const day = dayOf(Date.now());
    state.panel = panel({ day, kinds, length, carer: true, onlength: (name) => { length = name; } });
    holder.replaceChildren(state.panel.element);
  } catch (error) {
    if (!state.gone) holder.replaceChildren(trouble(error, () => show(holder, state)));
  }
}
