// Requests to the box. One that finds the session over signs in again and is sent once more.
import * as kept from "./kept.js";
import * as key from "./key.js";
import { t } from "./words.js";

const USUAL_MS = 20000;
const LOCKED = 423;
const CHALLENGE_MS = 30000; // half of what a challenge is good for

/** The box answered that it will not: `title` says what, `detail` what to do next. */
export class Problem extends Error {
  constructor(status, { title, detail } = {}) {
    super(title || t("The box answered with an error ({status}).", { status }));
    this.detail = detail || "";
    this.status = status;
  }
}

/** The box did not answer: the phone is not at home, or the box is off. */
export class OutOfReach extends Error {
  constructor() {
    super(t("The box is out of reach."));
    this.detail = t("Is the phone in the home network, and the box switched on?");
  }
}

/** The box is there, but its store is locked: it can say nothing until somebody there gives the passphrase. */
export class Locked extends OutOfReach {
  constructor() {
    super();
    this.message = t("The box is locked.");
    this.detail = t("Somebody has to unlock it, on the box: {command}", { command: "healthslm unlock" });
  }
}

/** This phone is not let in any more, or never was. */
export class NotPaired extends Problem {}

/** Fires "change" when the box comes into reach, goes out of it, or is found locked. */
export const reach = Object.assign(new EventTarget(), { known: false, open: true, locked: false });

export function reached(open, locked = false) {
  if (reach.known && reach.open === open && reach.locked === locked) return;
  reach.known = true;
  reach.open = open;
  reach.locked = locked;
  reach.dispatchEvent(new Event("change"));
}

/** Asks for JSON. */
export const get = async (path, query) => (await ask("GET", withQuery(path, query))).json();
export const post = async (path, body = {}) => (await ask("POST", path, body)).json();
export const patch = async (path, body = {}) => (await ask("PATCH", path, body)).json();
export const remove = async (path) => (await ask("DELETE", path)).json();

export function withQuery(path, query) {
  return query ? `${path}?${new URLSearchParams(query)}` : path;
}

/** Asks, and returns the answer as it comes. Throws `Problem`, `NotPaired` or `OutOfReach`. */
export async function ask(method, path, body, { wait = USUAL_MS } = {}) {
  let answer = await send(method, path, body, wait);
  if (answer.status === 401) {
    await signIn();
    answer = await send(method, path, body, wait);
  }
  if (!answer.ok) throw await problem(answer);
  return answer;
}

async function send(method, path, body, wait = USUAL_MS) {
  const options = { method, credentials: "same-origin", cache: "no-store", headers: {} };
  if (method !== "GET") options.headers["x-healthslm"] = "1";
  if (body !== undefined) {
    options.headers["content-type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  // Only until the answer begins: one that is streamed may take its time.
  const given = new AbortController();
  const timer = setTimeout(() => given.abort(), wait);
  let answer;
  try {
    answer = await fetch(path, { ...options, signal: given.signal });
  } catch {
    reached(false);
    throw new OutOfReach();
  } finally {
    clearTimeout(timer);
  }
  const locked = answer.status === LOCKED;
  reached(!locked, locked);
  if (locked) throw new Locked();
  return answer;
}

async function problem(answer, kind = Problem) {
  return new kind(answer.status, await answer.json().catch(() => ({})));
}

let signing;

/** Opens a session with the phone's key; several who need one at once share it. */
export function signIn() {
  signing ||= open().finally(() => { signing = undefined; });
  return signing;
}

async function open() {
  const who = await kept.get("who");
  if (!who || !(await kept.get("key"))) throw new NotPaired(401);
  let answer;
  for (let quick = 0; quick < 2;) {
    const began = Date.now();
    answer = await signed(who);
    if (answer.status !== 401) break;
    // A phone that slept in between answers a challenge that is over: that must not cost it its key.
    if (Date.now() - began < CHALLENGE_MS) quick += 1;
  }
  if (answer.status === 401 || answer.status === 403) throw await problem(answer, NotPaired);
  if (!answer.ok) throw await problem(answer);
  const { client, name, role } = await answer.json();
  await kept.put("who", { client, name, role });
}

async function signed(who) {
  const asked = await send("POST", "/api/v1/session/challenge", { client: who.client });
  if (!asked.ok) throw await problem(asked);
  const { challenge } = await asked.json();
  const signature = await key.signature(challenge);
  return send("POST", "/api/v1/session", { client: who.client, challenge, signature });
}
