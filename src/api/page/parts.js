// The parts that all pages are made of: badges, scores, bars, tables, and the states of data.

import { useNow } from './data.js';
import { ago, exact, number, price, UNKNOWN, words } from './format.js';
import { Icon } from './icons.js';
import { html } from './view.js';

export const Badge = ({ tone = 'plain', title, children }) => html`<span class="badge ${tone}" title=${title}>${children}</span>`;

const DIRECTIONS = { bullish: ['up', 'up'], bearish: ['down', 'down'], neutral: ['flat', 'muted'] };

/** Said by colour, shape and word. */
export function Direction({ value }) {
  if (!value) return UNKNOWN;
  const [icon, tone] = DIRECTIONS[value] ?? DIRECTIONS.neutral;
  return html`<span class="direction tone-${tone}"><${Icon} name=${icon} size=${10} />${words(value)}</span>`;
}

const OI = {
  resolved: ['good', 'Derivatives data of this venue’s own contract'],
  aggregated: ['info', 'Derivatives data of the same asset on other venues'],
  neutral: ['plain', 'No derivatives data: those components count as neutral'],
};

export function OiStatus({ value }) {
  const [tone, title] = OI[value] ?? ['plain', 'Never looked up'];
  return html`<${Badge} tone=${tone} title=${title}>${value || 'unknown'}<//>`;
}

/** 0 to 100 around 50: to the right is bullish. */
export function Score({ value }) {
  const score = Math.min(100, Math.max(0, Number(value) || 0));
  const side = score >= 50 ? 'up' : 'down';
  const style = { left: `${Math.min(score, 50)}%`, width: `${Math.abs(score - 50)}%` };
  return html`<span class="score"><b class="num">${number(value, 1)}</b><span class="score-bar" aria-hidden="true"
    ><i class="fill-${side}" style=${style}></i></span></span>`;
}

/** How long ago, with the exact time in its title. */
export function Age({ time, warnAfterS, plain }) {
  const now = useNow();
  const ms = typeof time === 'number' ? time : Date.parse(time);
  const old = warnAfterS && now - ms > warnAfterS * 1000;
  if (!Number.isFinite(ms) || ms <= 0) return html`<span class="quiet">${UNKNOWN}</span>`;
  const text = ago(ms, now);
  return html`<time class=${old ? 'num tone-warn' : 'num'} datetime=${new Date(ms).toISOString()}
    title=${old ? `${exact(ms)}: older than two bars` : exact(ms)}>${plain ? text.replace(/ ago$/, '') : text}</time>`;
}

/** Parts of a whole, side by side; what is not listed is free. */
export function Meter({ label, whole, parts }) {
  const total = Math.max(Number(whole) || 0, parts.reduce((sum, part) => sum + (Number(part.value) || 0), 0)) || 1;
  const told = parts.map((part) => `${part.name} ${part.text}`).join(', ');
  return html`<span class="meter" role="img" aria-label=${`${label}: ${told}`} title=${told}>
    ${parts.map((part) => html`<i key=${part.name} class="fill-${part.tone}" style=${{ width: `${(100 * (Number(part.value) || 0)) / total}%` }}></i>`)}
  </span>`;
}

export const Progress = ({ value, label, tone = 'accent' }) => html`<span class="meter" role="progressbar" aria-label=${label}
  aria-valuemin="0" aria-valuemax="100" aria-valuenow=${Math.round(value ?? 0)}><i class="fill-${tone}" style=${{ width: `${value ?? 0}%` }}></i></span>`;

const STATUS = {
  open: 'info', queued: 'plain', processing: 'info', cancelling: 'warn', completed: 'good', analyzed: 'good', ready: 'good',
  healthy: 'good', closed: 'good', settled: 'good', exhausted: 'warn', deferred: 'warn', stalled: 'warn', waiting: 'warn',
  starting: 'info', half_open: 'warn', in_doubt: 'warn', unhealthy: 'bad', failed: 'bad', lost: 'bad', overrun: 'bad',
};

/** A status word; an open breaker is bad, an open session is not. */
export const Status = ({ value, breaker }) => {
  const tone = breaker && value === 'open' ? 'bad' : STATUS[value] ?? 'plain';
  return html`<${Badge} tone=${tone}>${value ? String(value).replaceAll('_', ' ').replace('analyzed', 'analysed') : UNKNOWN}<//>`;
};

/** A link to elsewhere. Only http and https become links; of the rest the text stays. */
export function External({ url, children }) {
  let safe = null;
  try {
    const parsed = new URL(url);
    if (parsed.protocol === 'http:' || parsed.protocol === 'https:') safe = parsed;
  } catch {
    // No address.
  }
  const text = children ?? safe?.host ?? url;
  if (!safe) return html`<span>${text}</span>`;
  return html`<a href=${safe.href} rel="noopener noreferrer" target="_blank" title=${safe.href}>${text}<${Icon} name="external" size=${12} /></a>`;
}

/** One of a few, as buttons in a row. */
export const Choice = ({ label, options, value, onChange }) => html`<div class="choice" role="group" aria-label=${label}>
  ${options.map(({ value: option, text, hint }) => html`<button key=${option} type="button" aria-pressed=${option === value ? 'true' : 'false'}
    onClick=${() => onChange(option)}>${text}${hint !== undefined ? html` <span class="hint num">${hint}</span>` : null}</button>`)}
</div>`;

/** A labelled `<select>`. Options are strings or `[value, text]`. */
export const Select = ({ label, value, options, onChange, name, disabled }) => html`<label class="field"><span>${label}</span>
  <select name=${name} value=${value} disabled=${disabled} onChange=${(event) => onChange(event.target.value)}>
    ${options.map((option) => {
      const [key, text] = Array.isArray(option) ? option : [option, option];
      return html`<option key=${key} value=${key} selected=${key === value}>${text}</option>`;
    })}
  </select></label>`;

export const Tile = ({ label, value, hint, tone }) => html`<div class="tile"><dt>${label}</dt>
  <dd class="num ${tone ? `tone-${tone}` : ''}">${value}${hint ? html`<small>${hint}</small>` : null}</dd></div>`;

export const Tiles = ({ children }) => html`<dl class="tiles">${children}</dl>`;

export const Panel = ({ title, actions, children, className = '', id }) => html`<section class="panel ${className}" aria-label=${title} id=${id}>
  <header class="panel-head"><h2>${title}</h2>${actions ? html`<div class="row">${actions}</div>` : null}</header>${children}</section>`;

export const Heading = ({ title, children, note }) => html`<div class="heading"><h1>${title}</h1>${note ? html`<p class="note">${note}</p>` : null}
  <div class="row end">${children}</div></div>`;

/** Placeholder lines while data comes. */
export const Loading = ({ what = 'data', lines = 6 }) => html`<div class="skeleton" role="status" aria-label=${`Loading ${what}`}>
  ${Array.from({ length: lines }, (_, line) => html`<i key=${line} style=${{ width: `${92 - ((line * 37) % 48)}%` }}></i>`)}</div>`;

/** Nothing there, and how to get something. */
export const Empty = ({ title, children }) => html`<div class="empty" role="status"><p><b>${title}</b></p><p>${children}</p></div>`;

/** What happened, and a way to try again. */
export const Failure = ({ error, retry }) => html`<div class="failure" role="alert"><${Icon} name="alert" /><div><p><b>${error.message}</b></p>
  <p class="quiet">${error.code}${error.status ? ` · HTTP ${error.status}` : ''}${error.requestId ? ` · request ${error.requestId}` : ''}</p></div>
  ${retry ? html`<button type="button" onClick=${retry}>Try again</button>` : null}</div>`;

/** Old data is shown: since when, and why. */
export const Stale = ({ resource }) => (resource.error && resource.data
  ? html`<p class="stale" role="status"><${Icon} name="alert" size=${14} /><span>Stale: last answer <${Age} time=${resource.at} />. ${resource.error.message}</span>
    <button type="button" class="small" onClick=${resource.reload}>Try again</button></p>`
  : null);

/** The state of a resource, or else what `children(data)` makes of it. */
export function Loaded({ resource, what, lines, children }) {
  if (resource.data) return html`<${Stale} resource=${resource} />${children(resource.data)}`;
  if (resource.error) return html`<${Failure} error=${resource.error} retry=${resource.reload} />`;
  return html`<${Loading} what=${what} lines=${lines} />`;
}

/**
 * A plain table in a box that scrolls sideways, or cards on a phone. A column is `{ name, cell(row), num, wide }`;
 * `name` labels the cell on the phone's card. `compact`: short values, four of them beside each other there.
 */
export const Table = ({ label, columns, rows, id, empty = 'Nothing here.', current, compact }) => (rows.length
  ? html`<div class="scroll" tabindex="0" role="region" aria-label=${label}><table class=${compact ? 'cards compact' : 'cards'}><thead><tr>
      ${columns.map((column) => html`<th key=${column.name} scope="col" class=${column.num ? 'right' : ''}>${column.name}</th>`)}</tr></thead>
    <tbody>${rows.map((row, index) => html`<tr key=${id ? id(row) : index} class=${current && current(row) ? 'current' : ''}>
      ${columns.map((column) => html`<td key=${column.name} data-label=${column.name} class=${`${column.num ? 'right num' : ''} ${column.wide ? 'wide' : ''}`}>${column.cell(row)}</td>`)}</tr>`)}</tbody></table></div>`
  : html`<p class="quiet pad">${empty}</p>`);

/** Loads the next page of a list. */
export const More = ({ list }) => html`<div class="more">
  ${list.error ? html`<${Failure} error=${list.error} retry=${list.retry} />` : null}
  ${list.hasMore && !list.error ? html`<button type="button" disabled=${list.loading} onClick=${list.more}>${list.loading ? 'Loading…' : 'Load more'}</button>` : null}</div>`;

/** Closes of a series as a line, coloured by where it went. */
export function Spark({ values, width = 96, height = 24 }) {
  if (!values || values.length < 2) return html`<svg class="spark" width=${width} height=${height} aria-hidden="true"></svg>`;
  const low = Math.min(...values);
  const range = Math.max(...values) - low || 1;
  const step = width / (values.length - 1);
  const points = values.map((value, index) => `${(index * step).toFixed(1)},${(height - 2 - ((value - low) / range) * (height - 4)).toFixed(1)}`);
  const first = values[0];
  const last = values[values.length - 1];
  const change = first ? ((last - first) / first) * 100 : 0;
  const title = `Last ${values.length} closes: ${price(first)} to ${price(last)}, ${change >= 0 ? '+' : '−'}${Math.abs(change).toFixed(1)} %`;
  return html`<svg class="spark tone-${change >= 0 ? 'up' : 'down'}" width=${width} height=${height} viewBox="0 0 ${width} ${height}" role="img" aria-label=${title}>
    <title>${title}</title><polyline points=${points.join(' ')} fill="none" stroke="currentColor" stroke-width="1.3" stroke-linejoin="round" /></svg>`;
}
