// Days of the box's home: where they begin, whatever the phone's own time zone is.
import { homeZone } from "./words.js";

const DAY_MS = 86400000;

/** The parts of a moment in the home's time: `{year, month, day, hour, minute}` as numbers. */
export function parts(ms) {
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone: homeZone(), hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit",
    hour: "2-digit", minute: "2-digit", second: "2-digit",
  });
  const found = {};
  for (const { type, value } of format.formatToParts(ms)) if (type !== "literal") found[type] = Number(value);
  return found;
}

/** How far the home's time is ahead of UTC at a moment, in milliseconds. */
export function offset(ms) {
  const { year, month, day, hour, minute, second } = parts(ms);
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1000) * 1000;
}

/** The moment that a local time is: "as if UTC" in, UTC out. */
export function moment(local) {
  const first = local - offset(local);
  return local - offset(first); // a second look: the offset may have changed in between
}

/** "2026-11-02" of a moment. */
export function dayOf(ms) {
  const { year, month, day } = parts(ms);
  return new Date(Date.UTC(year, month - 1, day)).toISOString().slice(0, 10);
}

/** When a day begins and ends. */
export function bounds(day) {
  const local = Date.parse(`${day}T00:00:00Z`);
  return [moment(local), moment(local + DAY_MS)];
}

export function shifted(day, by) {
  return new Date(Date.parse(`${day}T00:00:00Z`) + by * DAY_MS).toISOString().slice(0, 10);
}
