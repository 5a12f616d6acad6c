// One market series: its chart with what the newest signals rest on, its signals in time, and what derivatives say.

import { candleChart, isFormation } from '../chart.js';
import { withQuery } from '../api.js';
import { useResource } from '../data.js';
import { count, exact, intervalSeconds, millis, moment, number, percent, price, priceLike, share, signed, usd, words } from '../format.js';
import { Age, Badge, Choice, Direction, Empty, Failure, Loaded, OiStatus, Panel, Score, Stale, Table } from '../parts.js';
import { Icon } from '../icons.js';
import { go, link } from '../route.js';
import { TimeSeries } from '../series.js';
import { html, useEffect, useMemo, useRef, useState } from '../view.js';

const CANDLES = 1000;
const CANDLES_POLL_MS = 30_000;
const SIGNALS_POLL_MS = 10_000;
const CONTEXT_POLL_MS = 60_000;
const SIGNALS_SHOWN = 200;

const PARTS = ['trendlines', 'levels', 'patterns', 'signals'];
const COMPONENT_NEUTRAL = 10;
/** One and the same, so that nothing is drawn anew for it. */
const NO_SIGNALS = [];

/** Open, high, low and close of the bar under the pointer, or of the last. */
function Reading({ bar, like }) {
  if (!bar) return null;
  const side = bar.close >= bar.open ? 'up' : 'down';
  return html`<p class="reading num" aria-hidden="true">${['open', 'high', 'low', 'close'].map((name) => html`<span key=${name}><i>${name[0].toUpperCase()}</i>
    <b class="tone-${side}">${priceLike(bar[name], like)}</b></span>`)}<span><i>V</i> <b>${bar.volume === undefined ? '–' : number(bar.volume, bar.volume < 10 ? 2 : 0)}</b></span></p>`;
}

function Chart({ series, candles, observed, signals, where }) {
  const element = useRef(null);
  const chart = useRef(null);
  const [parts, setParts] = useState(Object.fromEntries(PARTS.map((part) => [part, true])));
  const [hovered, setHovered] = useState(null);
  const [sight, setSight] = useState([]);
  const bars = candles.candles;
  useEffect(() => {
    chart.current = candleChart(element.current);
    chart.current.onHover(setHovered);
    chart.current.onKey(setSight);
    return () => chart.current.destroy();
  }, []);
  useEffect(() => {
    chart.current.show({ key: where.join(':'), bars, observed, signals, parts, interval: series.interval });
  }, [bars, observed, signals, parts]);
  const last = bars.at(-1);
  const newest = last && { open: last[1], high: last[2], low: last[3], close: last[4], volume: last[5] };
  const told = `Candle chart of ${series.symbol}, ${series.interval}, ${bars.length} bars to ${exact(last?.[0])}, last close ${price(last?.[4])}. Arrow keys move, + and − zoom, Home and End go to its ends.`;
  const flip = (part) => setParts((old) => ({ ...old, [part]: !old[part] }));
  return html`<section class="panel chart-panel" aria-label="Chart"><div class="chart-head"><${Reading} bar=${hovered ?? newest} like=${last?.[4]} />
      <div class="choice" role="group" aria-label="Drawn on the chart">${PARTS.map((part) => html`<button key=${part} type="button" aria-pressed=${parts[part] ? 'true' : 'false'} onClick=${() => flip(part)}>${words(part)}</button>`)}
      </div><button type="button" class="small" onClick=${() => chart.current.fit()}>All bars</button></div>
    <div class="chart" ref=${element} role="group" tabindex="0" aria-label=${told}></div>
    <p class="unseen" role="status">${sight.length ? `${moment(sight[0][0])} to ${moment(sight.at(-1)[0])}, ${count(sight.length)} bars` : ''}</p></section>`;
}

/** A component's score of 0 to 20 around 10. */
const Component = ({ name, value, missing }) => html`<li><span>${words(name)}</span>${missing ? html`<span class="quiet">no data</span>`
  : html`<span class="score-bar" aria-hidden="true"><i class=${value >= COMPONENT_NEUTRAL ? 'fill-up' : 'fill-down'}
    style=${{ left: `${Math.min(value, COMPONENT_NEUTRAL) * 5}%`, width: `${Math.abs(value - COMPONENT_NEUTRAL) * 5}%` }}></i></span>
    <span class="num">${signed(value - COMPONENT_NEUTRAL, 1)}</span>`}</li>`;

const Strategy = ({ signal, open }) => html`<details class="strategy" open=${open}><summary><b>${words(signal.strategy)}</b><${Direction} value=${signal.direction} /><${Score} value=${signal.score} /></summary>
  <p class="quiet num">Confidence ${share(signal.confidence)} · strength ${share(signal.strength)}</p>
  <ul class="components">${Object.entries(signal.components ?? {}).map(([name, value]) => html`<${Component} key=${name} name=${name} value=${value}
    missing=${signal.oi_metadata?.missing?.includes(name)} />`)}</ul></details>`;

const Shapes = ({ observed, last, interval }) => html`<${Panel} title="Levels and patterns">
  <h3>Levels</h3>${observed.levels?.length ? html`<ul class="plain-list">${observed.levels.map((level, index) => html`<li key=${index}><${Badge} tone=${level.side === 'support' ? 'good' : 'bad'}>${level.side}<//>
    <b class="num">${priceLike(level.price, last)}</b><span class="quiet num end">${last ? percent((level.price / last - 1) * 100, 1) : ''} · ${share(level.confidence)} sure</span></li>`)}</ul>` : html`<p class="quiet pad">None found.</p>`}
  <h3>Patterns</h3>${observed.patterns?.length ? html`<ul class="plain-list">${observed.patterns.map((pattern, index) => html`<li key=${index}><${Direction} value=${pattern.direction} />
    <span>${words(pattern.name)}${isFormation(pattern, interval) ? '' : html` <span class="quiet">candles</span>`}</span><span class="quiet num end">${share(pattern.confidence)} · <${Age} time=${pattern.confirmed_at} /></span></li>`)}</ul>` : html`<p class="quiet pad">None found.</p>`}<//>`;

const INDICATORS = [
  ['rsi14', 'RSI 14', 1], ['adx14', 'ADX 14', 1], ['stoch_k', 'Stoch %K', 1], ['stoch_d', 'Stoch %D', 1],
  ['macd_hist', 'MACD hist', null], ['atr14', 'ATR 14', null], ['ema20', 'EMA 20', 'price'], ['ema50', 'EMA 50', 'price'], ['sma200', 'SMA 200', 'price'],
];

const Indicators = ({ indicators, last }) => html`<${Panel} title="Indicators"><dl class="pairs">${INDICATORS.map(([name, title, digits]) => {
  const value = indicators?.[name];
  const text = digits === 'price' ? priceLike(value, last) : digits === null ? price(value) : number(value, digits);
  return html`<div key=${name}><dt>${title}</dt><dd class="num">${text}</dd></div>`;
})}</dl><//>`;

function Contexts({ contexts }) {
  const time = (row) => millis(row.as_of ?? row.fetched_at);
  // What was written down before anything was known has no place in time.
  const rows = contexts.contexts.filter((row) => time(row) !== null);
  if (!rows.length) {
    return html`<${Panel} title="Derivatives"><${Empty} title="Nothing is known of its derivatives.">Set <code>coinalyze.enabled</code> and <code>COINALYZE_API_KEYS</code>; of some instruments no venue has a contract.<//><//>`;
  }
  const common = { rows, time };
  return html`<${Panel} title="Derivatives" actions=${html`<${OiStatus} value=${contexts.oi_status} />${contexts.venue ? html`<span class="quiet">${contexts.venue}</span>` : null}<span class="quiet"><${Age} time=${time(rows.at(-1))} /></span>`}>
    <div class="series-grid">
      <${TimeSeries} ...${common} title="Open interest" values=${[{ tone: 'accent', of: (row) => row.open_interest_usd }]} format=${usd} />
      <${TimeSeries} ...${common} title="Funding" unit="each interval" shape="bars" values=${[{ tone: 'up', negative: 'down', of: (row) => row.funding_rate }]} format=${(value) => percent(value, 4)} />
      <${TimeSeries} ...${common} title="Long/short" unit="accounts" mark=${1} values=${[{ tone: 'accent', of: (row) => row.long_short_ratio }]} format=${(value) => number(value, 2)} />
      <${TimeSeries} ...${common} title="Liquidations" unit="24 h" shape="mirror" format=${usd}
        values=${[{ name: 'long', tone: 'down', text: 'down', of: (row) => row.liquidations_long_usd }, { name: 'short', tone: 'up', text: 'up', of: (row) => row.liquidations_short_usd }]} />
    </div><//>`;
}

const HISTORY = [
  { name: 'Bar closed', cell: (signal) => html`<span class="num" title=${exact(signal.event_time)}>${exact(signal.event_time).slice(0, 16)}</span>` },
  { name: 'Strategy', cell: (signal) => words(signal.strategy) },
  { name: 'Direction', cell: (signal) => html`<${Direction} value=${signal.direction} />` },
  { name: 'Score', cell: (signal) => html`<${Score} value=${signal.score} />` },
  { name: 'Confidence', num: true, cell: (signal) => share(signal.confidence) },
  { name: 'Open interest', cell: (signal) => html`<${OiStatus} value=${signal.oi_status} />` },
  { name: 'Made', num: true, cell: (signal) => html`<${Age} time=${signal.produced_at} />` },
];

/** News about the base asset. */
function News({ base }) {
  const news = useResource(withQuery('/api/signals', { kind: 'article', subject: base, limit: 8 }), { poll: CONTEXT_POLL_MS });
  return html`<${Panel} title=${`News on ${base}`}><${Loaded} resource=${news} what="news" lines=${3}>${({ signals }) => (signals.length
    ? html`<ul class="plain-list">${signals.map((signal) => html`<li key=${signal.signal_id}><${Direction} value=${signal.direction} /><b class="num">${number(signal.score, 1)}</b>
      <a href=${link('articles', [signal.source_id])} aria-label=${`Article of ${exact(signal.event_time)}`}>Article</a><span class="quiet end"><${Age} time=${signal.event_time} /></span></li>`)}</ul>`
    : html`<p class="quiet pad">No article about it was analysed.</p>`)}<//><//>`;
}

function Title({ exchange, symbol, interval, instrument, bars }) {
  const last = bars?.at(-1);
  const day = last && bars.findLast((bar) => bar[0] <= last[0] - 86_400_000);
  const moved = day ? (last[4] / day[4] - 1) * 100 : null;
  const intervals = [...new Set([...(instrument?.intervals ?? []), interval])].sort((a, b) => intervalSeconds(a) - intervalSeconds(b));
  return html`<div class="heading instrument"><a class="icon-button" href=${link('signals')} aria-label="Back to the signals" onClick=${(event) => { if (history.length > 1) { event.preventDefault(); history.back(); } }}><${Icon} name="back" size=${18} /></a>
    <h1>${symbol}</h1><span class="quiet">${exchange}</span>
    <span class="last num"><b>${price(last?.[4])}</b>${moved === null ? null : html`<span class=${moved < 0 ? 'tone-down' : 'tone-up'}>${percent(moved)} <span class="quiet">24 h</span></span>`}</span>
    ${instrument ? html`<${OiStatus} value=${instrument.oi_status} />` : null}
    <div class="row end">${intervals.length < 2 ? html`<span class="quiet">${interval}</span>` : html`<${Choice} label="Interval" value=${interval} options=${intervals.map((value) => ({ value, text: value }))} onChange=${(value) => go('instrument', [exchange, symbol, value])} />`}
      <button type="button" class="primary" id="analyse" onClick=${() => go('jobs', [], { exchange, symbol, interval, start: '1' })}>Analyse</button></div></div>`;
}

export function Instrument({ route }) {
  const [exchange = '', symbol = '', interval = '1h'] = route.parts;
  const key = route.parts.join('/');
  return html`<${View} key=${key} exchange=${exchange} symbol=${symbol} interval=${interval} where=${route.parts} />`;
}

function View({ exchange, symbol, interval, where }) {
  const source = `${exchange}:${symbol}:${interval}`;
  const candles = useResource(withQuery('/api/candles', { exchange, symbol, interval, limit: CANDLES }), { poll: CANDLES_POLL_MS });
  const results = useResource(withQuery('/api/results', { exchange, symbol, interval }), { poll: SIGNALS_POLL_MS });
  const history = useResource(withQuery('/api/signals', { kind: 'market', source_id: source, limit: SIGNALS_SHOWN }), { poll: CONTEXT_POLL_MS });
  const contexts = useResource(withQuery('/api/contexts', { exchange, symbol }), { poll: CONTEXT_POLL_MS });
  const instruments = useResource(withQuery('/api/instruments', { symbol, exchange }));
  const instrument = instruments.data?.instruments.find((one) => one.symbol === symbol && one.exchange === exchange);
  const signals = useMemo(() => (results.data?.signals ?? []).filter((one) => one.symbol === symbol && one.exchange === exchange && one.interval === interval), [results.data]);
  const observed = signals.find((signal) => signal.observability)?.observability ?? null;
  const inTime = history.data?.signals ?? NO_SIGNALS;
  const bars = candles.data?.candles;
  const last = bars?.at(-1)?.[4];
  const head = html`<${Title} exchange=${exchange} symbol=${symbol} interval=${interval} instrument=${instrument} bars=${bars} />`;
  if (candles.error?.status === 404) {
    return html`${head}<div class="panel"><${Empty} title="There are no candles of this series.">Send some: <code>signalmill ingest market DIR</code>. The <a href=${link('signals')}>signals</a> list what is there.<//></div>`;
  }
  return html`${head}<${Stale} resource=${candles} /><div class="split"><div class="stack">
      ${candles.data ? html`<${Chart} series=${{ symbol, interval }} candles=${candles.data} observed=${observed} signals=${inTime} where=${where} />`
        : html`<div class="panel chart-panel">${candles.error ? html`<${Failure} error=${candles.error} retry=${candles.reload} />` : html`<div class="chart skeleton" role="status" aria-label="Loading candles"></div>`}</div>`}
      <${Loaded} resource=${contexts} what="derivatives" lines=${3}>${(data) => html`<${Contexts} contexts=${data} />`}<//>
      <${Panel} title="Signals in time" actions=${history.data ? html`<span class="quiet num">${count(inTime.length)} newest</span>` : null}>
        <${Loaded} resource=${history} what="signals in time">${(data) => html`<${Table} label="Signals in time" columns=${HISTORY} rows=${data.signals.slice(0, 60)} id=${(signal) => signal.signal_id} empty="No signal of this series yet." />`}<//><//>
    </div><aside class="stack" aria-label="What the signals rest on">
      <${Panel} title="Now" actions=${signals[0] ? html`<span class="quiet"><${Age} time=${signals[0].event_time} /></span>` : null}>
        <${Loaded} resource=${results} what="signals">${() => (signals.length ? signals.map((signal, index) => html`<${Strategy} key=${signal.strategy} signal=${signal} open=${index === 0} />`)
          : html`<p class="quiet pad">No strategy has scored this series yet.</p>`)}<//><//>
      ${observed ? html`<${Indicators} indicators=${observed.indicators} last=${last} /><${Shapes} observed=${observed} last=${last} interval=${interval} />` : null}
      ${instrument?.base ? html`<${News} base=${instrument.base} />` : null}
    </aside></div>`;
}
