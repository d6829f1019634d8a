// The few drawings: what each severity looks like (a shape as well as a colour), and the tabs' pictures.
import { svg } from "./dom.js";

const SHAPES = {
  emergency: "M8 1.5h8L22.5 8v8L16 22.5H8L1.5 16V8z", // as a stop sign
  urgent: "M12 2 23 21.5H1z",
  watch: "M12 1.5 22.5 12 12 22.5 1.5 12z",
  info: "M12 1.5a10.5 10.5 0 1 1 0 21a10.5 10.5 0 0 1 0-21z",
};
const PICTURES = {
  now: "M2 12h4.5l2.5-7 5 14 3-7H22",
  days: "M4 5h16v16H4zM4 10h16M8 2.5V6M16 2.5V6",
  trends: "M3 3v18h18M7 15l4-5 4 3 5-7",
  ask: "M4 4h16v12h-9l-5 4.5V16H4z",
  more: "M5 12h.01M12 12h.01M19 12h.01",
};

/** The sign of a severity: told by its word beside it, so not by itself. */
export function severitySign(word) {
  const filled = svg("path", { d: SHAPES[word] || SHAPES.info });
  const mark = word === "info" ? "M12 11v6.5M12 6.8v.1" : "M12 8v6M12 17.4v.1";
  const drawn = svg("path", { d: mark, class: "mark" });
  return svg("svg", { viewBox: "0 0 24 24", class: "sign", "aria-hidden": "true" }, filled, drawn);
}

export function picture(name) {
  const line = svg("path", { d: PICTURES[name] });
  return svg("svg", { viewBox: "0 0 24 24", class: "picture", "aria-hidden": "true" }, line);
}
