// Numbers and times as people read them. Nothing here knows the page. What is unknown is a dash.

export const UNKNOWN = '–';

const known = (value) => value !== null && value !== undefined && value !== '' && Number.isFinite(Number(value));

const formats = new Map();
function format(key, options) {
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat('en-US', options));
  return formats.get(key);
}

const fixed = (value, digits) =>
  format(`fixed ${digits}`, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);

/** Decimals that show a price to five significant digits, and cents at least: 2 for 64,000, 13 for 1e-9. */
export function priceDigits(value) {
  const size = Math.abs(Number(value));
  if (!(size > 0)) return 2;
  const magnitude = Math.floor(Math.log10(size));
  return Math.min(18, Math.max(magnitude >= 2 ? 2 : 4, (magnitude < 0 ? 3 : 4) - magnitude));
}

/** A price of any size, from 1e-9 to 1e6. */
export const price = (value) => (known(value) ? fixed(Number(value), priceDigits(value)) : UNKNOWN);

/** A price among others of its kind: all with the decimals of `like`. */
export const priceLike = (value, like) => (known(value) ? fixed(Number(value), priceDigits(like)) : UNKNOWN);

/** Dollars: cents at least, three significant digits of what is less than one, large ones shortened. */
export function usd(value) {
  if (!known(value)) return UNKNOWN;
  const dollars = Number(value);
  const size = Math.abs(dollars);
  const sign = dollars < 0 ? '−' : '';
  if (size >= 1e4) {
    return `${sign}$${format('compact', { notation: 'compact', maximumSignificantDigits: 4 }).format(size)}`;
  }
  if (size === 0) return '$0.00';
  if (size >= 0.995) return `${sign}$${fixed(size, 2)}`;
  const digits = Math.min(9, 2 - Math.floor(Math.log10(size)));
  return `${sign}$${format(`up to ${digits}`, { minimumFractionDigits: 2, maximumFractionDigits: digits }).format(size)}`;
}

/** Whole numbers with thousands. */
export const count = (value) => (known(value) ? format('count', { maximumFractionDigits: 0 }).format(Number(value)) : UNKNOWN);

/** `1 batch`, `2 batches`. */
export const plural = (value, one, many = `${one}s`) => `${count(value)} ${Number(value) === 1 ? one : many}`;

/** A number with so many decimals. */
export const number = (value, digits = 2) => (known(value) ? fixed(Number(value), digits) : UNKNOWN);

/** A share of 0…1 as percent. */
export const share = (value, digits = 0) => (known(value) ? `${fixed(Number(value) * 100, digits)} %` : UNKNOWN);

/** A value that is in percent already, with its sign. */
export const percent = (value, digits = 2) => (known(value) ? `${signed(Number(value), digits)} %` : UNKNOWN);

/** With a sign before everything but 0. */
export function signed(value, digits = 2) {
  if (!known(value)) return UNKNOWN;
  const text = fixed(Math.abs(value), digits);
  if (Number(text.replaceAll(',', '')) === 0) return text;
  return `${value < 0 ? '−' : '+'}${text}`;
}

/** Milliseconds of a time that came as RFC 3339 or as milliseconds; null when it is neither. */
export function millis(time) {
  if (time === null || time === undefined || time === '') return null;
  const ms = typeof time === 'number' ? time : Date.parse(time);
  return Number.isFinite(ms) && ms > 0 ? ms : null;
}

const STEPS = [
  [60, 1, 's'],
  [3600, 60, 'min'],
  [86_400, 3600, 'h'],
  [86_400 * 60, 86_400, 'd'],
  [86_400 * 730, 86_400 * 30, 'mo'],
  [Infinity, 86_400 * 365, 'y'],
];

/** So many seconds, in the one unit that fits: `45 s`, `12 min`, `3 h`, `5 d`. */
export function duration(seconds) {
  if (!known(seconds)) return UNKNOWN;
  const whole = Math.max(0, Number(seconds));
  const [, unit, name] = STEPS.find(([limit]) => whole < limit);
  return `${Math.floor(whole / unit)} ${name}`;
}

/** Milliseconds of work: `38 ms`, `1.4 s`, `2 min`. */
export function elapsed(ms) {
  if (!known(ms)) return UNKNOWN;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 60_000 ? `${fixed(ms / 1000, 1)} s` : duration(ms / 1000);
}

/** How long ago; what lies ahead says so. */
export function ago(time, now) {
  const ms = millis(time);
  if (ms === null) return UNKNOWN;
  const seconds = (now - ms) / 1000;
  if (seconds < -5) return `in ${duration(-seconds)}`;
  return seconds < 5 ? 'now' : `${duration(seconds)} ago`;
}

/** The exact moment, UTC. */
export function exact(time) {
  const ms = millis(time);
  return ms === null ? 'unknown' : `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** Day and minute, UTC. */
export function moment(time) {
  const ms = millis(time);
  return ms === null ? UNKNOWN : new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
}

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** Seconds of an interval such as `15m`; null when it is none. */
export function intervalSeconds(interval) {
  const parts = /^(\d+)([smhdw])$/.exec(interval ?? '');
  return parts ? Number(parts[1]) * SECONDS[parts[2]] : null;
}

/** `long_short_ratio` as `Long short ratio`. */
export function words(name) {
  const text = String(name ?? '').replaceAll('_', ' ').trim();
  return text ? text[0].toUpperCase() + text.slice(1) : UNKNOWN;
}
