// The board: every market signal of the newest feed. All of it is here, so sorting and filtering ask nobody.
//
// The feed is asked for again with its ETag; the closes for the spark lines come after the board and seldom.

import { Board } from '../board.js';
import { useNow, useResource } from '../data.js';
import { ago, count, exact, intervalSeconds, price, share, signed, words } from '../format.js';
import { Age, Choice, Direction, Empty, Heading, Loaded, OiStatus, Score, Select, Spark } from '../parts.js';
import { link, replaceQuery } from '../route.js';
import { html, useEffect, useMemo, useState } from '../view.js';

const FEED_POLL_MS = 5_000;
const SPARKS_POLL_MS = 60_000;
/** Bars without news after which a signal is marked as old. */
const OLD_BARS = 2;

const FILTERS = ['q', 'exchange', 'interval', 'strategy', 'direction', 'oi', 'min'];

const seriesOf = (signal) => `${signal.exchange}:${signal.symbol}:${signal.interval}`;

function change(closes) {
  return closes && closes.length > 1 && closes[0] ? (closes[closes.length - 1] / closes[0] - 1) * 100 : null;
}

function columns(sparks) {
  const closes = (signal) => sparks[seriesOf(signal)];
  const last = (signal) => closes(signal)?.at(-1) ?? null;
  return [
    {
      name: 'symbol',
      title: 'Symbol',
      value: (signal) => signal.symbol,
      cell: (signal) => html`<a class="cover" href=${link('instrument', [signal.exchange, signal.symbol, signal.interval])}><b>${signal.symbol}</b></a><span class="under">${signal.exchange}</span>`,
    },
    {
      name: 'interval',
      title: 'Interval',
      value: (signal) => intervalSeconds(signal.interval),
      cell: (signal) => html`<span class="num">${signal.interval}</span>`,
    },
    { name: 'strategy', title: 'Strategy', value: (signal) => signal.strategy, cell: (signal) => html`${words(signal.strategy)}<span class="phone-inline"> · ${signal.exchange} · ${signal.interval}</span>` },
    { name: 'direction', title: 'Direction', value: (signal) => signal.direction, cell: (signal) => html`<${Direction} value=${signal.direction} />` },
    { name: 'score', title: 'Score', descending: true, value: (signal) => signal.score, cell: (signal) => html`<${Score} value=${signal.score} />` },
    { name: 'confidence', title: 'Confidence', num: true, descending: true, value: (signal) => signal.confidence, cell: (signal) => share(signal.confidence) },
    { name: 'oi', title: 'Open interest', value: (signal) => signal.oi_metadata?.status, cell: (signal) => html`<${OiStatus} value=${signal.oi_metadata?.status} />` },
    { name: 'price', title: 'Last close', num: true, descending: true, value: last, cell: (signal) => price(last(signal)) },
    { name: 'spark', title: '40 bars', cell: (signal) => html`<${Spark} values=${closes(signal)} />` },
    {
      name: 'change',
      title: 'Change',
      num: true,
      descending: true,
      value: (signal) => change(closes(signal)),
      cell: (signal) => {
        const value = change(closes(signal));
        return html`<span class=${value === null ? 'quiet' : value < 0 ? 'tone-down' : 'tone-up'}>${value === null ? '–' : `${signed(value, 1)} %`}</span>`;
      },
    },
    {
      name: 'age',
      title: 'Age',
      num: true,
      value: (signal) => -signal.event_time,
      cell: (signal) => html`<${Age} plain time=${signal.event_time} warnAfterS=${OLD_BARS * (intervalSeconds(signal.interval) ?? Infinity)} />`,
    },
  ];
}

function matches(signal, filter, text) {
  return (!text || `${signal.symbol} ${signal.exchange}`.toLowerCase().includes(text))
    && (!filter.exchange || signal.exchange === filter.exchange)
    && (!filter.interval || signal.interval === filter.interval)
    && (!filter.strategy || signal.strategy === filter.strategy)
    && (!filter.oi || (signal.oi_metadata?.status ?? 'neutral') === filter.oi)
    && signal.score >= (Number(filter.min) || 0);
}

const distinct = (signals, key) => [...new Set(signals.map((signal) => signal[key]))].filter(Boolean);

/** Filters live in the address, so that a link and the way back show the same board. */
function Filters({ signals, filter, set }) {
  const options = useMemo(() => ({
    exchange: distinct(signals, 'exchange').sort(),
    interval: distinct(signals, 'interval').sort((a, b) => intervalSeconds(a) - intervalSeconds(b)),
    strategy: distinct(signals, 'strategy').sort(),
  }), [signals]);
  const select = (name, label, values, all) => html`<${Select} name=${name} label=${label} value=${filter[name] ?? ''}
    options=${[['', all], ...values]} onChange=${(value) => set({ [name]: value })} />`;
  return html`<label class="field grow"><span>Symbol or exchange</span><input type="search" name="q" placeholder="BTC" value=${filter.q ?? ''}
      onInput=${(event) => set({ q: event.target.value })} spellcheck="false" autocomplete="off" /></label>
    ${select('exchange', 'Exchange', options.exchange, 'All')}
    ${select('interval', 'Interval', options.interval, 'All')}
    ${select('strategy', 'Strategy', options.strategy.map((name) => [name, words(name)]), 'All')}
    ${select('oi', 'Open interest', ['resolved', 'aggregated', 'neutral'], 'All')}
    <label class="field range"><span>Score at least <b class="num">${filter.min || 0}</b></span><input type="range" name="min" min="0" max="100" step="1"
      value=${filter.min || 0} onInput=${(event) => set({ min: event.target.value === '0' ? '' : event.target.value })} /></label>`;
}

function FeedAge({ feed, resource }) {
  const now = useNow(1_000);
  const state = resource.error ? 'bad' : 'good';
  return html`<span class="live" title=${`Feed of ${exact(feed.last_updated)}`}><i class="dot ${state}"></i>${resource.error ? 'Not live' : 'Live'}
    <span class="quiet">feed ${ago(feed.last_updated, now)}</span></span>`;
}

const Found = ({ shown, all, series }) => html`<p class="quiet num" role="status" aria-live="polite">${shown === all
  ? `${count(all)} signals of ${count(series)} series` : `${count(shown)} of ${count(all)} signals`}</p>`;

function Content({ feed, resource, filter, set }) {
  const { signals } = feed;
  const sparks = useResource('/api/sparks', { poll: SPARKS_POLL_MS, remember: true }).data?.sparks ?? {};
  const table = useMemo(() => columns(sparks), [sparks]);
  const text = (filter.q ?? '').trim().toLowerCase();
  const rest = FILTERS.filter((name) => name !== 'direction').map((name) => filter[name]).join('|');
  const matching = useMemo(() => signals.filter((signal) => matches(signal, filter, text)), [signals, rest]);
  const rows = useMemo(() => (filter.direction ? matching.filter((signal) => signal.direction === filter.direction) : matching), [matching, filter.direction]);
  const series = useMemo(() => new Set(signals.map(seriesOf)).size, [signals]);
  const sides = useMemo(() => {
    const counts = { bullish: 0, neutral: 0, bearish: 0 };
    for (const signal of matching) counts[signal.direction] += 1;
    return counts;
  }, [matching]);
  const sort = { by: filter.sort || 'score', descending: filter.order ? filter.order === 'down' : !filter.sort };
  const [open, setOpen] = useState(false);
  useEffect(() => {
    performance.mark('board');
  }, []);
  const direction = [['', 'All', matching.length], ...['bullish', 'neutral', 'bearish'].map((side) => [side, words(side), sides[side]])];
  return html`<${Heading} title="Signals"><${Found} shown=${rows.length} all=${signals.length} series=${series} /><${FeedAge} feed=${feed} resource=${resource} /><//>
    <div class="panel fill"><form class=${open ? 'filters open' : 'filters folded'} role="search" aria-label="Filter signals" onSubmit=${(event) => event.preventDefault()}>
      <${Filters} signals=${signals} filter=${filter} set=${set} />
      <button type="button" class="phone-only" aria-expanded=${open ? 'true' : 'false'} onClick=${() => setOpen(!open)}>${open ? 'Fewer filters' : 'More filters'}</button></form>
    <div class="filters slim"><${Choice} label="Direction" value=${filter.direction ?? ''} onChange=${(value) => set({ direction: value })}
        options=${direction.map(([value, name, hint]) => ({ value, text: name, hint: count(hint) }))} />
      ${FILTERS.some((name) => filter[name]) ? html`<button type="button" class="small" onClick=${() => set(Object.fromEntries(FILTERS.map((name) => [name, ''])))}>Clear filters</button>` : null}</div>
    ${rows.length ? html`<${Board} label="Signals" columns=${table} rows=${rows} id=${(signal) => `${seriesOf(signal)}:${signal.strategy}`} sort=${sort}
        onSort=${({ by, descending }) => set({ sort: by, order: descending ? 'down' : 'up' })} />`
      : html`<${Empty} title="No signal matches the filters.">Clear one of them to see more.<//>`}</div>`;
}

export function Signals({ route }) {
  const resource = useResource('/api/results?observability=false', { poll: FEED_POLL_MS, remember: true });
  const [filter, setFilter] = useState(route.query);
  useEffect(() => setFilter(route.query), [JSON.stringify(route.query)]);
  const set = (changes) => {
    const next = { ...filter, ...changes };
    setFilter(next);
    replaceQuery(next);
  };
  if (!resource.data) return html`<${Heading} title="Signals" /><div class="panel"><${Loaded} resource=${resource} what="signals" lines=${12} children=${() => null} /></div>`;
  return html`<${Loaded} resource=${resource}>${(feed) => (feed.signals.length
    ? html`<${Content} feed=${feed} resource=${resource} filter=${filter} set=${set} />`
    : html`<${Heading} title="Signals" /><div class="panel"><${Empty} title="No signals yet.">Send candle files: <code>signalmill ingest market DIR</code>, or
      scan a folder once with <code>signalmill scan DIR</code>. <code>signalmill serve --demo</code> shows made-up data.<//></div>`)}<//>`;
}
