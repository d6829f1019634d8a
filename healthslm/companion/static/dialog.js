// A sheet over the page: the browser's own dialog, which keeps the focus, and Escape closes.
import { el } from "./dom.js";
import { t } from "./words.js";

/** Opens a sheet with a title; `fill(body, dialog)` puts into it what it shows. */
export function sheet(title, fill) {
  const id = `sheet-${Math.random().toString(36).slice(2)}`;
  const body = el("div", { class: "body" });
  const close = el("button", { type: "button", class: "close", "aria-label": t("Close") }, "✕");
  const head = el("div", { class: "head" }, el("h2", { id }, title), close);
  const dialog = el("dialog", { "aria-labelledby": id, class: "sheet" }, head, body);
  close.addEventListener("click", () => dialog.close());
  // A tap beside the sheet closes it.
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  fill(body, dialog);
  dialog.showModal();
  return dialog;
}

/** What went wrong, and what to do next; `again` makes a button of it. */
export function trouble(error, again) {
  return el(
    "div",
    { class: "trouble", role: "alert" },
    el("p", {}, el("strong", {}, error.message)),
    error.detail && el("p", {}, error.detail),
    again && el("button", { type: "button", onclick: again }, t("Try again")),
  );
}
