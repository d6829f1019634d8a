// The page's own texts in the reader's language, and numbers and times as they are written there.
// The English text is the key; healthslm/companion/locale has the others. What the box says stays English.

export const LANGUAGES = { en: "English", de: "Deutsch", es: "Español", fr: "Français", zh: "中文" };
const CHOSEN = "healthslm language";

let texts = {};
let language = "en";
let zone;
const made = new Map();

/** The text in the reader's language; `{name}` in it is replaced by `values.name`. */
export function t(text, values = {}) {
  return (texts[text] || text).replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/** Takes the language that was chosen, else the first of the phone's that there is. */
export async function speak() {
  const wanted = [localStorage.getItem(CHOSEN), ...navigator.languages].filter(Boolean);
  language = wanted.map((one) => one.slice(0, 2).toLowerCase()).find((one) => one in LANGUAGES) || "en";
  document.documentElement.lang = language;
  if (language === "en") return;
  try {
    texts = await (await fetch(`/locale/${language}.json`)).json();
  } catch {
    texts = {}; // English is better than nothing
    document.documentElement.lang = language = "en";
  }
}

export const spoken = () => language;

export function choose(chosen) {
  localStorage.setItem(CHOSEN, chosen);
  location.reload();
}

/** From now on times are those of the box's home, wherever the phone is. */
export function inZone(name) {
  if (name && name !== zone) {
    zone = name;
    made.clear();
  }
}

export const homeZone = () => zone || Intl.DateTimeFormat().resolvedOptions().timeZone;

function written(maker, options) {
  const key = maker.name + JSON.stringify(options);
  if (!made.has(key)) {
    const tag = language === navigator.language.slice(0, 2) ? navigator.language : language;
    made.set(key, new maker(tag, options));
  }
  return made.get(key);
}

const dated = (options) => written(Intl.DateTimeFormat, { ...options, timeZone: homeZone() });

export function number(value, decimals = 0) {
  const digits = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  return written(Intl.NumberFormat, digits).format(value);
}

/** A value as the box wrote it, "36.5": with the same digits, in the reader's way. */
export function asWritten(text) {
  const plain = String(text);
  return number(Number(plain), (plain.split(".")[1] || "").length);
}

const at = (time) => (typeof time === "number" ? time : Date.parse(time));
export const clock = (time) => dated({ hour: "numeric", minute: "2-digit" }).format(at(time));
export const clockFull = (time) => dated({ timeStyle: "medium" }).format(at(time));
export const day = (time) => dated({ weekday: "short", day: "numeric", month: "short" }).format(at(time));
export const longDay = (time) => dated({ weekday: "long", day: "numeric", month: "long" }).format(at(time));
export const dayClock = (time) =>
  dated({ weekday: "short", day: "numeric", month: "short", hour: "numeric", minute: "2-digit" }).format(at(time));
export const formatted = (time, options) => dated(options).format(at(time));

const STEPS = [["second", 1], ["minute", 60], ["hour", 3600], ["day", 86400]];

/** "12 sec. ago": how long ago something was, in the largest unit that is full. */
export function ago(seconds) {
  const past = Math.max(0, seconds);
  const [unit, size] = STEPS.findLast(([, one]) => past >= one * (one === 60 ? 1.5 : 1)) || STEPS[0];
  const options = { numeric: "always", style: unit === "second" ? "narrow" : "short" };
  return written(Intl.RelativeTimeFormat, options).format(-Math.floor(past / size), unit);
}

/** "15 min", "2 hr". */
export function minutes(count) {
  const whole = count % 60 === 0 && count >= 60;
  const options = { style: "unit", unit: whole ? "hour" : "minute", unitDisplay: "short" };
  return written(Intl.NumberFormat, options).format(whole ? count / 60 : count);
}
