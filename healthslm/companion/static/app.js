// The page begins here: who is signed in, which views that role has, and which one is open.
import * as api from "./api.js";
import { sheet, trouble } from "./dialog.js";
import { el, say } from "./dom.js";
import * as kept from "./kept.js";
import { live, recall, start as listen, stop as hangUp } from "./live.js";
import { heard } from "./note.js";
import * as outbox from "./outbox.js";
import { install } from "./shell.js";
import { picture } from "./signs.js";
import { top } from "./top.js";
import { inZone, speak, t } from "./words.js";
import { now } from "./views/now.js";

// What a role may not see is refused by the box; here it is only not offered.
const TABS = {
  wearer: ["now", "days", "ask", "more"],
  carer: ["now", "trends", "more"],
  clinician: ["days", "more"],
};
// The first view is part of the page; the others come once it is there, or when they are asked for.
const VIEWS = {
  now: () => ({ now }),
  days: () => import("./views/days.js"),
  ask: () => import("./views/ask.js"),
  more: () => import("./views/more.js"),
  trends: () => import("./views/trends.js"),
  pair: () => import("./views/pair.js"),
};
const NAMES = () => ({ now: t("Now"), days: t("Days"), ask: t("Ask"), more: t("More"), trends: t("Trends") });
const SEES_NOW = ["wearer", "carer"];
const FIRST_MS = 5000;
const URGENT = ["urgent", "emergency"];

const main = document.getElementById("main");
const bar = document.getElementById("tabs");
let who;
let leave;
let opening;

async function begin() {
  await speak();
  who = await kept.get("who");
  if (location.pathname === "/pair" || !who) {
    await pairing({ secret: location.hash.slice(1), known: who });
    return install();
  }
  inZone(await kept.get("zone"));
  await recall();
  top();
  drawTabs();
  addEventListener("hashchange", open);
  await open();
  performance.mark("content"); // what the tests measure: the last state is on the screen
  await enter();
  // What is not here yet would be another version's once the box was upgraded, or missing away from home.
  await Promise.allSettled(Object.values(VIEWS).map((view) => view()));
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
  await pairing({ secret: "", why: error });
}

async function pairing(how) {
  const view = await viewed("pair");
  view?.(main, { ...how, paired: () => location.replace("/") });
}

/** A view, once it is on the phone; nothing where it cannot come, or another one was asked for meanwhile. */
async function viewed(name) {
  leave?.();
  leave = undefined;
  main.replaceChildren();
  delete main.dataset.view;
  const mine = (opening = {});
  try {
    const view = (await VIEWS[name]())[name];
    return opening === mine ? view : undefined;
  } catch {
    if (opening === mine) main.replaceChildren(trouble(new api.OutOfReach(), name === "pair" ? undefined : open));
  }
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

async function open() {
  const [wanted, ...rest] = location.hash.slice(1).split("/");
  const name = TABS[who.role].includes(wanted) ? wanted : TABS[who.role][0];
  for (const link of bar.children) {
    const here = link.getAttribute("href") === `#${name}`;
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${NAMES()[name]} · healthslm`;
  const view = await viewed(name);
  if (!view) return;
  main.dataset.view = name; // not before: what is open hears what comes of notes
  leave = view(main, { who, rest });
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
