// Draws one chart: what was usual as a band, thresholds as dashed lines, lowest to highest, the mean, findings.
import { clock, number } from "../words.js";
import { times, values } from "./axis.js";

const RIGHT = 10;
const BOTTOM = 26;
const TOP = 16;
const DOTS = 80; // so few points are drawn each
const GAP = 3.5; // a pause of so many usual distances is a gap, not a line

/** The colours of the page as it is now, dark or light. */
function colours(element) {
  const style = getComputedStyle(element);
  const of = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    ink: of("ink"), quiet: of("quiet"), line: of("line"), usual: of("usual"), limit: of("limit"),
    series: [of("accent"), of("second")],
    severity: { emergency: of("emergency"), urgent: of("urgent"), watch: of("watch"), info: of("info") },
    font: `${12 * (parseFloat(getComputedStyle(document.documentElement).fontSize) / 18)}px ${style.fontFamily}`,
  };
}

/** From lowest to highest of what is to be seen; a threshold that is near belongs to it. */
export function range(series, period) {
  let low = Infinity;
  let high = -Infinity;
  const start = period.start / 1000;
  const end = period.end / 1000;
  for (const one of series) {
    for (let n = 0; n < one.times.length; n += 1) {
      if (one.times[n] < start || one.times[n] > end) continue;
      low = Math.min(low, one.low[n]);
      high = Math.max(high, one.high[n]);
    }
  }
  if (low > high) return null;
  const least = 4 * 10 ** -series[0].decimals;
  const room = Math.max(high - low, least);
  for (const { value } of series.flatMap((one) => one.limits)) {
    if (value < low && low - value < room * 0.6) low = value;
    if (value > high && value - high < room * 0.6) high = value;
  }
  const more = Math.max((high - low) * 0.08, (least - (high - low)) / 2);
  return [low - more, high + more];
}

/** Paints; returns where things are: `{left, width, x(ms), y(value)}`. */
export function paint(canvas, { series, period, marks, chosen }) {
  const scale = devicePixelRatio || 1;
  const { clientWidth: wide, clientHeight: high } = canvas;
  if (canvas.width !== Math.round(wide * scale)) canvas.width = Math.round(wide * scale);
  if (canvas.height !== Math.round(high * scale)) canvas.height = Math.round(high * scale);
  const pen = canvas.getContext("2d");
  const colour = colours(canvas);
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, wide, high);
  pen.font = colour.font;
  const span = range(series, period);
  const ticks = span && values(...span, Math.max(2, Math.floor(high / 42)));
  const labels = ticks ? ticks.found.map((one) => number(one, ticks.decimals)) : [];
  const left = Math.max(28, ...labels.map((one) => pen.measureText(one).width + 8));
  const width = Math.max(40, wide - left - RIGHT);
  const [from, to] = span || [0, 1];
  const place = {
    left, width, top: TOP, bottom: high - BOTTOM,
    x: (ms) => left + ((ms - period.start) / period.length) * width,
    y: (value) => high - BOTTOM - ((value - from) / (to - from)) * (high - BOTTOM - TOP),
  };
  axes(pen, place, colour, period, ticks, labels);
  pen.save();
  pen.beginPath();
  pen.rect(left, 0, width, high - BOTTOM + 1);
  pen.clip();
  if (span) {
    for (const one of series) usual(pen, place, colour, one);
    limits(pen, place, colour, series);
    series.forEach((one, n) => line(pen, place, colour.series[n % 2], one, period));
  }
  findings(pen, place, colour, marks);
  if (chosen) cross(pen, place, colour, chosen);
  pen.restore();
  return place;
}

function axes(pen, place, colour, period, ticks, labels) {
  pen.lineWidth = 1;
  pen.textBaseline = "middle";
  pen.textAlign = "right";
  ticks?.found.forEach((value, n) => {
    const y = Math.round(place.y(value)) + 0.5;
    stroke(pen, colour.line, [[place.left, y], [place.left + place.width, y]]);
    pen.fillStyle = colour.quiet;
    pen.fillText(labels[n], place.left - 6, y);
  });
  pen.textBaseline = "top";
  pen.textAlign = "center";
  const edge = place.left + place.width + RIGHT;
  let taken = 0; // up to there a label stands already
  const room = pen.measureText(clock(period.start)).width + 14;
  for (const { ms, label } of times(period.start, period.end, Math.max(2, Math.floor(place.width / room)))) {
    const x = Math.round(place.x(ms)) + 0.5;
    stroke(pen, colour.line, [[x, place.top], [x, place.bottom + 4]]);
    const half = pen.measureText(label).width / 2;
    const at = Math.min(x, edge - half);
    if (at - half < taken) continue;
    taken = at + half + 6;
    pen.fillStyle = colour.quiet;
    pen.fillText(label, at, place.bottom + 7);
  }
}

function usual(pen, place, colour, one) {
  const { low, high } = one.usual;
  if (low === undefined || high === undefined) return;
  const top = place.y(high);
  pen.fillStyle = colour.usual;
  pen.fillRect(place.left, top, place.width, Math.max(3, place.y(low) - top));
}

function limits(pen, place, colour, series) {
  pen.setLineDash([6, 4]);
  pen.textAlign = "left";
  pen.textBaseline = "bottom";
  for (const { value } of series.flatMap((one) => one.limits)) {
    const y = place.y(value);
    if (y < place.top - 4 || y > place.bottom) continue;
    stroke(pen, colour.limit, [[place.left, y], [place.left + place.width, y]], 1.5);
    pen.fillStyle = colour.limit;
    pen.fillText(number(value, Number.isInteger(value) ? 0 : 1), place.left + 3, y - 1);
  }
  pen.setLineDash([]);
}

function line(pen, place, ink, one, period) {
  const seen = [];
  one.times.forEach((second, n) => {
    const ms = second * 1000;
    if (ms >= period.start - period.length && ms <= period.end + period.length) seen.push(n);
  });
  const gap = Math.max(one.step_s * 1.6, GAP * middle(seen.slice(1).map((n, k) => one.times[n] - one.times[seen[k]])));
  const runs = [];
  seen.forEach((n, k) => {
    if (k === 0 || one.times[n] - one.times[seen[k - 1]] > gap) runs.push([]);
    runs.at(-1).push(n);
  });
  const x = (n) => place.x(one.times[n] * 1000);
  for (const run of runs) {
    if (one.step_s > 0) {
      pen.fillStyle = ink;
      pen.globalAlpha = 0.25;
      trace(pen, [...run.map((n) => [x(n), place.y(one.high[n]) - 0.5]),
        ...run.toReversed().map((n) => [x(n), place.y(one.low[n]) + 0.5])]);
      pen.fill();
      pen.globalAlpha = 1;
    }
    stroke(pen, ink, run.map((n) => [x(n), place.y(one.mean[n])]), 2);
  }
  const near = seen.filter((n) => one.times[n] * 1000 >= period.start && one.times[n] * 1000 <= period.end);
  pen.fillStyle = ink;
  for (const n of near.length <= DOTS ? near : runs.filter((run) => run.length === 1).flat()) {
    pen.beginPath();
    pen.arc(x(n), place.y(one.mean[n]), 3, 0, 7);
    pen.fill();
  }
}

function middle(numbers) {
  const sorted = Float64Array.from(numbers).sort();
  return sorted[Math.floor(sorted.length / 2)] || 0;
}

function findings(pen, place, colour, marks) {
  for (const mark of marks) {
    const from = place.x(Date.parse(mark.start));
    const to = Math.max(place.x(Date.parse(mark.end)), from + 2);
    pen.fillStyle = colour.severity[mark.severity] || colour.quiet;
    pen.fillRect(from, place.top - 14, to - from, 4);
    trace(pen, [[from - 6, place.top - 14], [from + 6, place.top - 14], [from, place.top - 2]]);
    pen.fill();
  }
}

function cross(pen, place, colour, { ms, value }) {
  const x = place.x(ms);
  stroke(pen, colour.ink, [[x, place.top], [x, place.bottom]], 1);
  pen.fillStyle = colour.ink;
  pen.beginPath();
  pen.arc(x, place.y(value), 4.5, 0, 7);
  pen.fill();
}

function trace(pen, points) {
  pen.beginPath();
  points.forEach(([x, y], n) => (n ? pen.lineTo(x, y) : pen.moveTo(x, y)));
}

function stroke(pen, ink, points, width = 1) {
  pen.strokeStyle = ink;
  pen.lineWidth = width;
  pen.lineJoin = "round";
  trace(pen, points);
  pen.stroke();
}
