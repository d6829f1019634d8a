// What the box calls by a name of the program, in words of the reader's language.
import { t } from "./words.js";

const KINDS = () => ({
  heart_rate: t("Heart rate"),
  spo2: t("Oxygen saturation"),
  pulse_rate: t("Pulse rate"),
  temperature: t("Temperature"),
  systolic: t("Systolic pressure"),
  diastolic: t("Diastolic pressure"),
  mean_arterial: t("Mean arterial pressure"),
  glucose: t("Glucose"),
  sensor_glucose: t("Sensor glucose"),
  weight: t("Weight"),
  body_fat: t("Body fat"),
  respiratory_rate: t("Respiratory rate"),
  steps: t("Steps"),
  energy: t("Energy"),
  distance: t("Distance"),
  sleep_duration: t("Sleep"),
  battery: t("Battery"),
});

const STATISTICS = () => ({
  latest: t("latest"),
  mean: t("mean"),
  min: t("lowest"),
  max: t("highest"),
  count: t("count"),
  total: t("total"),
  usual_low: t("usual, from"),
  usual_high: t("usual, to"),
});

const SEVERITIES = () => ({
  emergency: t("Emergency"),
  urgent: t("Urgent"),
  watch: t("Watch"),
  info: t("Information"),
});

const QUALITIES = () => ({
  no_contact: t("no contact"),
  implausible: t("implausible"),
  sensor_fault: t("sensor fault"),
  clock_corrected: t("clock corrected"),
  not_worn: t("not worn"),
  flat_line: t("signal stuck"),
  frozen: t("device repeats itself"),
});

const LINKS = () => ({
  searching: t("searching"),
  connecting: t("connecting"),
  connected: t("connected"),
  lost: t("lost"),
  "no adapter": t("no Bluetooth"),
  "not listening": t("not listening"),
  "by a phone": t("heard by a phone"),
});

const ROLES = () => ({
  wearer: t("wearer"),
  carer: t("carer"),
  clinician: t("clinician"),
});

/** A kind's name; one that has none here is told as the box calls it. */
export function kindName(kind, told = kind) {
  return KINDS()[kind] || told.charAt(0).toUpperCase() + told.slice(1).replaceAll("_", " ");
}

/** A feature's name: "Heart rate, mean". */
export function featureName(name) {
  for (const [end, word] of Object.entries(STATISTICS())) {
    if (name.endsWith(`_${end}`)) return `${kindName(name.slice(0, -end.length - 1))}, ${word}`;
  }
  const kind = Object.keys(KINDS()).find((one) => name.startsWith(`${one}_`));
  return kind ? `${kindName(kind)}: ${name.slice(kind.length + 1).replaceAll("_", " ")}` : kindName(name);
}

export const severityName = (word) => SEVERITIES()[word] || word;
export const qualityName = (word) => QUALITIES()[word] || word.replaceAll("_", " ");
export const linkName = (word) => LINKS()[word] || word;
export const roleName = (word) => ROLES()[word] || word;
/** Units as people write them; the box's records have UCUM. */
export const unitName = (unit) => ({ "/min": "/min", Cel: "°C", "mm[Hg]": "mmHg" })[unit] || unit;
