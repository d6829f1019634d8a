// One chart of one or two kinds: loads what it shows, is moved by fingers, and tells the point that is touched.
import * as api from "../api.js";
import { el, setText } from "../dom.js";
import { openReading } from "../evidence.js";
import { dayClock, number, t } from "../words.js";
import { gestures } from "./gestures.js";
import { paint } from "./paint.js";

const DAY = 86400000;
const POINTS = 700;

/** `kinds` are `[{kind, name, unit}]`; `marks(kind)` what was found; `opens` whether readings may be seen. */
export class Chart {
  #period;
  #series = [];
  #loaded = null;
  #chosen = null;
  #place = { left: 0, width: 1 };
  #asked = 0;
  #drawn = false;

  constructor({ title, kinds, period, marks, opens }) {
    this.kinds = kinds;
    this.#period = period;
    this.marks = marks;
    this.opens = opens;
    this.canvas = el("canvas", { tabindex: "0", role: "img" });
    this.told = el("p", { class: "told" });
    this.element = el("figure", { class: "chart" }, el("figcaption", {}, el("h3", {}, title), this.told), this.canvas);
    this.title = title;
    gestures(this.canvas, period, {
      width: () => this.#place.width,
      left: () => this.#place.left,
      read: (part) => this.#read(period.start + part * period.length),
      step: (by) => this.#step(by),
    });
    this.sized = new ResizeObserver(() => this.draw());
    this.sized.observe(this.canvas);
  }

  /** Loads what is to be seen and as much again around it, unless it is there in such detail. */
  async load() {
    const { start, end, length } = this.#period;
    const there = this.#loaded;
    if (there && there.start <= start && there.end >= end && there.length < length * 2.5) return;
    const mine = ++this.#asked;
    const query = {
      from: new Date(start - length / 2).toISOString(),
      to: new Date(end + length / 2).toISOString(),
      points: POINTS,
    };
    const usual = { from: new Date(this.usualAt ?? start).toISOString(), to: new Date(end + DAY).toISOString(), points: 2 };
    try {
      const found = await Promise.all(this.kinds.map(({ kind }) => api.get(`/api/v1/series/${kind}`, query)));
      if (mine !== this.#asked) return;
      // What was usual is told of the four weeks before a period; of a long one it is that of its last day.
      if (!this.usual) this.usual = await Promise.all(this.kinds.map(async ({ kind }) => (await api.get(`/api/v1/series/${kind}`, usual)).usual));
      this.#series = found.map((one, n) => ({ ...one, usual: this.kinds.length === 1 ? this.usual[n] : {} }));
      this.#loaded = { start: start - length / 2, end: end + length / 2, length };
      this.draw();
    } catch (error) {
      if (mine === this.#asked) setText(this.told, error.message);
    }
  }

  draw() {
    if (this.#drawn) return;
    this.#drawn = true;
    requestAnimationFrame(() => {
      this.#drawn = false;
      if (!this.canvas.isConnected) return;
      const marks = this.kinds.flatMap(({ kind }) => this.marks(kind));
      this.#place = paint(this.canvas, { series: this.#series, period: this.#period, marks, chosen: this.#chosen });
      this.canvas.setAttribute("aria-label", this.#summary());
      if (!this.#chosen && this.#loaded) setText(this.told, this.#summary({ short: true }));
    });
  }

  /** What who does not see the chart is told of it: lowest and highest, and the period. */
  #summary({ short = false } = {}) {
    const parts = this.#series.map((one, n) => {
      const seen = this.#within(one);
      if (!seen.length) return t("nothing measured");
      const low = Math.min(...seen.map((k) => one.low[k]));
      const high = Math.max(...seen.map((k) => one.high[k]));
      const range = low === high ? number(low, one.decimals) : `${number(low, one.decimals)}–${number(high, one.decimals)}`;
      return `${range} ${this.kinds[n].unit}`;
    });
    if (short) return [...new Set(parts)].join(" · ");
    const named = parts.map((one, n) => `${this.kinds[n].name}: ${one}`);
    return `${named.join("; ")}. ${dayClock(this.#period.start)} – ${dayClock(this.#period.end)}`;
  }

  #within(one) {
    const { start, end } = this.#period;
    return one.times.flatMap((second, n) => (second * 1000 >= start && second * 1000 <= end ? [n] : []));
  }

  #read(ms) {
    const one = this.#series[0];
    const seen = one ? this.#within(one) : [];
    if (!seen.length) return;
    const off = (n) => Math.abs(one.times[n] * 1000 - ms);
    this.#choose(seen.reduce((best, n) => (off(n) < off(best) ? n : best)));
  }

  #step(by) {
    const seen = this.#series[0] ? this.#within(this.#series[0]) : [];
    if (!seen.length) return;
    const at = this.#chosen ? seen.indexOf(this.#chosen.n) + by : seen.length - 1;
    this.#choose(seen[Math.min(Math.max(at, 0), seen.length - 1)]);
  }

  #choose(n) {
    const [first, second] = this.#series;
    this.#chosen = { n, ms: first.times[n] * 1000, value: first.mean[n] };
    const other = second?.times.indexOf(first.times[n]);
    const value = (one, k) => number(one.mean[k], one.decimals);
    const figures = [value(first, n), other >= 0 && value(second, other)].filter(Boolean).join("/");
    const spread = first.low[n] < first.high[n]
      ? ` (${number(first.low[n], first.decimals)}–${number(first.high[n], first.decimals)})` : "";
    const text = `${dayClock(this.#chosen.ms)} · ${figures} ${first.unit}${spread}`;
    const id = this.opens && first.ids?.[n];
    this.told.replaceChildren(id
      ? el("button", { type: "button", class: "number", onclick: () => openReading(id) }, text)
      : text);
    this.draw();
  }

  /** Whether there is anything to be seen in the period. */
  get filled() {
    return this.#series.some((one) => this.#within(one).length > 0);
  }

  /** Forgets the point that was touched. */
  clear() {
    this.#chosen = null;
  }

  end() {
    this.sized.disconnect();
  }
}
