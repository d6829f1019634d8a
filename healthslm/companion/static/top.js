// The line above every view: whose box it is, and whether it answers.
import { reach } from "./api.js";
import { el, setText } from "./dom.js";
import { live, since } from "./live.js";
import { ago, t } from "./words.js";

/** Draws the line; it counts on by itself. */
export function top() {
  const name = el("strong", { class: "whose" });
  const state = el("span", { class: "reach" });
  document.getElementById("top").replaceChildren(name, state);
  const draw = () => {
    setText(name, live.state?.person || "healthslm");
    state.className = `reach ${reach.open ? "open" : "away"}`;
    setText(state, reach.open ? "" : away());
  };
  reach.addEventListener("change", draw);
  live.addEventListener("change", draw);
  setInterval(draw, 5000);
  draw();
}

function away() {
  const told = live.state ? t("last state {ago}", { ago: ago(since(live.state.time)) }) : "";
  return [reach.locked ? t("Locked") : t("Out of reach"), told].filter(Boolean).join(" · ");
}
