// Notes in the wearer's own words: sent at once, or kept on the phone until the box is in reach again.
import * as api from "./api.js";
import * as kept from "./kept.js";

/** Fires "change" when a note was kept or sent; `detail` is what the box said to one that was sent. */
export const outbox = new EventTarget();

let sending;

/** Sends a note. Returns the box's answer, or `null` where it will be sent later. */
export async function send(text) {
  const written = Date.now(); // not when it failed: the box knows by it what it may have kept already
  try {
    return await api.post("/api/v1/notes", { text });
  } catch (error) {
    if (!(error instanceof api.OutOfReach)) throw error;
    await kept.add({ text, written });
    changed();
    return null;
  }
}

/** Sends what waits, oldest first; what does not get through goes on waiting. */
export function flush() {
  sending ||= empty().finally(() => { sending = undefined; });
  return sending;
}

async function empty() {
  for (const { id, text, written } of await kept.waiting()) {
    const age = Math.max(0, Math.round((Date.now() - written) / 1000));
    try {
      const told = await api.post("/api/v1/notes", { text, age_s: age });
      await kept.drop(id);
      changed({ text, told });
    } catch (error) {
      if (error instanceof api.OutOfReach) return; // the others cannot be sent either
    }
  }
}

const changed = (detail) => outbox.dispatchEvent(new CustomEvent("change", { detail }));

api.reach.addEventListener("change", () => { if (api.reach.open) flush(); });
