// The period that all charts of a view show: moved and stretched together.

const MINUTE = 60000;
const DAY = 86400000;
const LONGEST = 400 * DAY;

/** Fires "move" while it is changed, and "rest" when it was not for a moment. */
export class Period extends EventTarget {
  #timer;

  /** `shortest` milliseconds are as close as one gets. */
  constructor(start, end, shortest = 10 * MINUTE) {
    super();
    this.start = start;
    this.end = end;
    this.shortest = shortest;
  }

  get length() {
    return this.end - this.start;
  }

  /** `settled` is it by a tap; while fingers move it, it has to lie still for a moment. */
  set(start, end, { settled = false } = {}) {
    const length = Math.min(Math.max(end - start, this.shortest), LONGEST);
    const middle = (start + end) / 2;
    // Into the future there is nothing to see; half of the chart may be empty.
    const latest = Date.now() + length / 2;
    const last = Math.min(middle + length / 2, Math.max(latest, end - length / 2));
    this.end = last;
    this.start = last - length;
    this.dispatchEvent(new Event("move"));
    clearTimeout(this.#timer);
    const rest = () => this.dispatchEvent(new Event("rest"));
    if (settled) rest();
    else this.#timer = setTimeout(rest, 180);
  }

  /** By a part of its length; positive is later. */
  pan(part, how) {
    this.set(this.start + part * this.length, this.end + part * this.length, how);
  }

  /** By a factor, about a place in it (0 its start, 1 its end); below 1 is closer. */
  zoom(factor, about = 0.5, how = {}) {
    const at = this.start + about * this.length;
    const length = Math.min(Math.max(this.length * factor, this.shortest), LONGEST);
    this.set(at - about * length, at + (1 - about) * length, how);
  }
}
