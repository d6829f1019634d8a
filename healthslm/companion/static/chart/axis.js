// Where the marks of an axis stand: round numbers, and round times of the home's own clock.
import { formatted } from "../words.js";
import { moment, offset, parts } from "../zone.js";

const MINUTE = 60000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  ...[1, 5, 15, 30].map((n) => n * MINUTE),
  ...[1, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7].map((n) => n * DAY),
];
const MONTHS = [1, 3, 6, 12];

/** Round values between `low` and `high`, about `most` of them. */
export function values(low, high, most) {
  const rough = (high - low) / most || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((one) => one >= rough);
  const found = [];
  for (let n = Math.ceil(low / step); n * step <= high; n += 1) found.push(n * step);
  return { found, decimals: Math.max(0, -Math.floor(Math.log10(step))) };
}

/** Round times between two moments, at most `most`, each with its label. */
export function times(start, end, most) {
  const step = STEPS.find((one) => (end - start) / one <= most);
  const found = step ? regular(start, end, step) : monthly(start, end, most);
  return found.map((ms) => ({ ms, label: label(ms, step) }));
}

function regular(start, end, step) {
  const found = [];
  for (let local = Math.ceil((start + offset(start)) / step) * step; ; local += step) {
    const ms = moment(local);
    if (ms > end) return found;
    if (ms >= start) found.push(ms);
  }
}

function monthly(start, end, most) {
  const step = MONTHS.find((n) => (end - start) / (n * 30.4 * DAY) <= most) || MONTHS.at(-1);
  const { year, month } = parts(start);
  const found = [];
  for (let n = month - 1 - ((month - 1) % step); ; n += step) {
    const ms = moment(Date.UTC(year, n, 1));
    if (ms > end) return found;
    if (ms >= start) found.push(ms);
  }
}

function label(ms, step) {
  if (!step) return formatted(ms, { month: "short" });
  if (step >= DAY) return formatted(ms, { day: "numeric", month: "numeric" });
  const { hour, minute } = parts(ms);
  if (hour === 0 && minute === 0) return formatted(ms, { weekday: "short" });
  return formatted(ms, { hour: "numeric", minute: "2-digit" });
}
