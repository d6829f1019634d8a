// The box's state as it changes (server-sent events), kept on the phone as the last one, with its age.
import * as api from "./api.js";
import * as kept from "./kept.js";

const SILENT_MS = 35000; // the box tells at least every ten seconds how things are
const LONGEST_MS = 30000;
const KEPT_MS = 10000; // a phone's memory is not written each second

/** Fires "change" for each new state; `state` is the last one, `skew` how far the phone's clock is ahead. */
export const live = Object.assign(new EventTarget(), { state: undefined, skew: 0, fresh: false });

let source;
let timer;
let pause = 1000;
let opened = 0;
let keptAt = 0;

/** The box's time now, by its own clock as of the last state. */
const boxNow = () => Date.now() - live.skew;

/** Seconds since a time of the box. */
export const since = (time) => (boxNow() - Date.parse(time)) / 1000;

/** Takes the last state from the phone, so that there is something to see before the box answers. */
export async function recall() {
  const last = await kept.get("now");
  if (last && !live.state) Object.assign(live, { state: last.state, skew: last.skew, fresh: false });
  return live.state;
}

export function start() {
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) return connect();
    close();
    if (live.fresh) keep();
    live.fresh = false;
  });
  addEventListener("online", connect);
  addEventListener("offline", () => {
    api.reached(false);
    lost(opened);
  });
  connect();
}

export function stop() {
  close();
  live.state = undefined;
}

function close() {
  clearTimeout(timer);
  source?.close();
  source = undefined;
}

function connect() {
  close();
  if (document.hidden) return;
  const mine = ++opened;
  source = new EventSource("/api/v1/live");
  timer = setTimeout(() => lost(mine), SILENT_MS);
  source.addEventListener("now", (event) => {
    pause = 1000;
    clearTimeout(timer);
    timer = setTimeout(() => lost(mine), SILENT_MS);
    take(JSON.parse(event.data));
  });
  // A browser tries again by itself, but not after an answer that says no, which a session's end is.
  source.onerror = () => lost(mine);
}

async function lost(mine) {
  if (mine !== opened) return;
  close();
  live.fresh = false;
  try {
    take(await api.get("/api/v1/now")); // signs in again where that is all it needs
  } catch (error) {
    if (error instanceof api.NotPaired) {
      live.dispatchEvent(Object.assign(new Event("refused"), { error }));
      return;
    }
    live.dispatchEvent(new Event("change"));
  }
  if (mine !== opened) return;
  clearTimeout(timer);
  timer = setTimeout(connect, pause);
  pause = Math.min(pause * 2, LONGEST_MS);
}

export function take(state) {
  live.state = state;
  live.skew = Date.now() - Date.parse(state.time);
  live.fresh = true;
  api.reached(true);
  if (Date.now() - keptAt > KEPT_MS) keep();
  live.dispatchEvent(new Event("change"));
}

function keep() {
  keptAt = Date.now();
  kept.put("now", { state: live.state, skew: live.skew }).catch(() => {}); // full or forbidden: it is only not kept
}
