// Listening to a wearable with this phone, where its browser can.
import { trouble } from "../dialog.js";
import { el, keyed, setText } from "../dom.js";
import { linkName } from "../names.js";
import { canHear, ears, listen, radio, stop } from "../radio.js";
import { number, t } from "../words.js";

export function hearing() {
  const wrong = el("div");
  const list = el("ul", { class: "devices" });
  const show = () => keyed(list, ears, (one) => one.device.id, ear);
  const choose = async () => {
    wrong.replaceChildren();
    try {
      await listen();
    } catch (error) {
      wrong.replaceChildren(trouble(error));
    }
  };
  radio.addEventListener("change", show);
  show();
  const able = [
    el("p", {}, t("This phone can hear a strap, an oximeter, a cuff or a thermometer near it, and hand what it hears to the box. Keep this page open meanwhile.")),
    el("button", { type: "button", onclick: choose }, t("Listen to a wearable")),
  ];
  const unable = el("p", { class: "quiet" }, t("This browser cannot use Bluetooth. Chrome on Android can."));
  return el("section", {}, el("h2", {}, t("Hear with this phone")), el("div", { class: "card" }, canHear() ? able : unable, wrong), list);
}

function ear(one) {
  const state = el("p", { class: "link" });
  const count = el("p", {});
  const problem = el("p", { class: "quiet", lang: "en" });
  const end = el("button", { type: "button", onclick: () => stop(one) }, t("Stop listening"));
  const item = el("li", { class: "card" }, el("h3", {}, one.device.name || t("Wearable")), state, count, problem, end);
  item.update = () => {
    setText(state, linkName(one.state));
    state.className = `link ${one.state === "connected" ? "good" : "idle"}`;
    const waits = one.waiting.length > 5 ? ` · ${t("{count} wait to be sent", { count: number(one.waiting.length) })}` : "";
    const lost = one.lost ? ` · ${t("{count} are lost", { count: number(one.lost) })}` : "";
    setText(count, t("{count} values handed on", { count: number(one.taken) }) + waits + lost);
    setText(problem, one.problem);
  };
  return item;
}
