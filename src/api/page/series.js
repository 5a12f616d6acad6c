// Small charts of one value in time, as SVG: a line, or bars around zero. The value under the pointer is said above. To the
// keyboard, and to assistive technology, a chart is a slider through time.

import { exact } from './format.js';
import { html, useState } from './view.js';

const WIDTH = 300;
const HEIGHT = 72;

const finite = (value) => value !== null && value !== undefined && Number.isFinite(Number(value));

/** Runs of neighbours that are known: a gap breaks the line. */
function runs(points) {
  const all = [[]];
  for (const point of points) {
    if (point) all.at(-1).push(point);
    else if (all.at(-1).length) all.push([]);
  }
  return all.filter((run) => run.length);
}

/**
 * `rows` ascending; `time(row)`, and one or two `values`: `{ name, tone, of(row) }`. `shape`: `line`, `bars` (around zero), or
 * `mirror` (the second value goes down). `mark` is a level worth a line, such as 1 for a ratio.
 */
export function TimeSeries({ title, unit, rows, time, values, shape = 'line', format, mark }) {
  const [at, setAt] = useState(null);
  const sign = (index) => (shape === 'mirror' && index === 1 ? -1 : 1);
  const numbers = rows.flatMap((row) => values.map((value, index) => (finite(value.of(row)) ? sign(index) * Number(value.of(row)) : null))).filter((value) => value !== null);
  const newest = rows.findLastIndex((row) => values.some((value) => finite(value.of(row))));
  if (newest < 0) return html`<figure class="series"><figcaption><b>${title}</b></figcaption><p class="quiet">Not known.</p></figure>`;
  // The rows may have become fewer since.
  const index = Math.min(at ?? newest, rows.length - 1);
  const zero = shape !== 'line';
  const low = Math.min(...numbers, zero ? 0 : Infinity, mark ?? Infinity);
  const high = Math.max(...numbers, zero ? 0 : -Infinity, mark ?? -Infinity);
  const range = high - low || Math.abs(high) || 1;
  const y = (value) => HEIGHT - 3 - ((value - low) / range) * (HEIGHT - 6);
  const step = WIDTH / Math.max(rows.length - (zero ? 0 : 1), 1);
  const x = (place) => (zero ? (place + 0.5) * step : place * step);
  const drawn = values.map((value, which) => {
    const points = rows.map((row, place) => (finite(value.of(row)) ? [x(place), y(sign(which) * Number(value.of(row)))] : null));
    if (shape === 'line') {
      return runs(points).map((run, part) => html`<polyline key=${part} class="stroke-${value.tone}" points=${run.map(([a, b]) => `${a.toFixed(1)},${b.toFixed(1)}`).join(' ')} />`);
    }
    const path = (positive) => points.filter((one) => one && (one[1] <= y(0)) === positive).map(([a, b]) => `M${a.toFixed(1)} ${y(0).toFixed(1)}V${b.toFixed(1)}`).join('');
    const width = Math.max(0.8, step * 0.7);
    return html`<path class="stroke-${value.tone}" stroke-width=${width} d=${path(true)} /><path class="stroke-${value.negative ?? value.tone}" stroke-width=${width} d=${path(false)} />`;
  });
  const move = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    setAt(Math.max(0, Math.min(rows.length - 1, Math.floor(((event.clientX - box.left) / box.width) * rows.length))));
  };
  const pressed = (event) => {
    const keys = { ArrowLeft: index - 1, ArrowDown: index - 1, ArrowRight: index + 1, ArrowUp: index + 1, Home: 0, End: rows.length - 1 };
    if (!Object.hasOwn(keys, event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    setAt(Math.max(0, Math.min(rows.length - 1, keys[event.key])));
  };
  const row = rows[index];
  const said = values.map((value) => `${value.name ? `${value.name} ` : ''}${format(value.of(row))}`).join(' · ');
  return html`<figure class="series"><figcaption><b>${title}</b>${unit ? html`<span class="quiet">${unit}</span>` : null}
    <span class="end num" title=${exact(time(row))}>${values.map((value) => html`<span key=${value.name} class="tone-${value.text ?? 'plain'}">${value.name ? `${value.name} ` : ''}${format(value.of(row))}</span>`)}</span></figcaption>
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" tabindex="0" role="slider" aria-label=${`${title}, arrow keys go through time`}
      aria-valuemin="0" aria-valuemax=${rows.length - 1} aria-valuenow=${index} aria-valuetext=${`${said}, ${exact(time(row))}`}
      onKeyDown=${pressed} onFocus=${() => setAt((old) => old ?? newest)} onBlur=${() => setAt(null)} onPointerMove=${move} onPointerLeave=${() => setAt(null)}>
      ${mark !== undefined || zero ? html`<line class="mark" x1="0" x2=${WIDTH} y1=${y(mark ?? 0)} y2=${y(mark ?? 0)} />` : null}
      ${drawn}${at !== null ? html`<line class="cursor" x1=${x(index)} x2=${x(index)} y1="0" y2=${HEIGHT} />` : null}</svg>
    <p class="quiet num small-text">${exact(time(row))}</p></figure>`;
}
