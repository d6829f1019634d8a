// The page begins here: who is signed in, which views that role has, and which one is open.
import * as api from "./api.js";
import { sheet, trouble } from "./dialog.js";
import { el, say } from "./dom.js";
import * as kept from "./kept.js";
import { live, recall, start as listen, stop as hangUp } from "./live.js";
import * as outbox from "./outbox.js";
import { install } from "./shell.js";
import { picture } from "./signs.js";
import { top } from "./top.js";
import { inZone, speak, t } from "./words.js";
import { ask, heard } from "./views/ask.js";
import { days } from "./views/days.js";
import { more } from "./views/more.js";
import { now } from "./views/now.js";
import { pair } from "./views/pair.js";
import { trends } from "./views/trends.js";

// What a role may not see is refused by the box; here it is only not offered.
const TABS = {
  wearer: ["now", "days", "ask", "more"],
  carer: ["now", "trends", "more"],
  clinician: ["days", "more"],
};
const VIEWS = { now, days, ask, more, trends };
const NAMES = () => ({ now: t("Now"), days: t("Days"), ask: t("Ask"), more: t("More"), trends: t("Trends") });
const SEES_NOW = ["wearer", "carer"];
const FIRST_MS = 5000;
const URGENT = ["urgent", "emergency"];

const main = document.getElementById("main");
const bar = document.getElementById("tabs");
let who;
let leave;

async function begin() {
  await speak();
  who = await kept.get("who");
  if (location.pathname === "/pair" || !who) {
    pair(main, { secret: location.hash.slice(1), paired: () => location.replace("/"), known: who });
    return install();
  }
  inZone(await kept.get("zone"));
  await recall();
  top();
  drawTabs();
  addEventListener("hashchange", open);
  open();
  performance.mark("content"); // what the tests measure: the last state is on the screen
  await enter();
  await install(); // last: it fetches every file once more
}

async function enter() {
  if (SEES_NOW.includes(who.role)) {
    live.addEventListener("refused", ({ error }) => out(error));
    live.addEventListener("change", announce);
    listen();
  }
  try {
    // Away from home nothing refuses a request, it is only never answered: the first one does not wait long.
    const span = await (await api.ask("GET", "/api/v1/days", undefined, { wait: FIRST_MS })).json();
    inZone(span.timezone);
    await kept.put("zone", span.timezone);
    const now = await kept.get("who");
    if (now.role !== who.role) location.reload();
    await outbox.flush();
  } catch (error) {
    if (error instanceof api.NotPaired) out(error);
  }
}

/** The box does not let this phone in any more: nothing of what it was told stays here. */
async function out(error) {
  hangUp();
  await kept.forget();
  bar.hidden = true;
  leave?.();
  pair(main, { secret: "", paired: () => location.replace("/"), why: error });
}

function drawTabs() {
  const names = NAMES();
  bar.setAttribute("aria-label", t("Views"));
  bar.replaceChildren(
    ...TABS[who.role].map((name) =>
      el("a", { href: `#${name}` }, picture(name), el("span", {}, names[name])),
    ),
  );
  bar.hidden = false;
}

function open() {
  const [wanted, ...rest] = location.hash.slice(1).split("/");
  const name = TABS[who.role].includes(wanted) ? wanted : TABS[who.role][0];
  for (const link of bar.children) {
    const here = link.getAttribute("href") === `#${name}`;
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  leave?.();
  main.replaceChildren();
  main.dataset.view = name;
  document.title = `${NAMES()[name]} · healthslm`;
  leave = VIEWS[name](main, { who, rest });
  scrollTo(0, 0);
}

/** A note that waited and turns out to be urgent is answered at once, whichever view is open. */
outbox.outbox.addEventListener("change", ({ detail }) => {
  if (!detail || main.dataset.view === "ask" || !URGENT.includes(detail.told.level)) return;
  sheet(t("Your note"), (body) => body.append(heard(detail.text, detail.told)));
});

let told = new Set();

/** New alerts are said at once, whichever view is open. */
function announce() {
  const open_ = (live.state?.alerts || []).filter((one) => !one.acknowledged_at && !one.over);
  const fresh = open_.filter((one) => !told.has(one.id));
  told = new Set(open_.map((one) => one.id));
  if (fresh.length) say(fresh.map((one) => one.finding.title).join(". "), { urgent: true });
  const tab = bar.querySelector('[href="#now"]');
  if (tab) tab.dataset.count = open_.length || "";
}

// Without its memory (a private window, a full disk) the page cannot even know who it is.
begin().catch((error) => main.replaceChildren(trouble(error)));
