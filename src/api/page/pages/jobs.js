// Jobs: analyses on demand. Start one, watch it, look at its chart; who works on them.

import { command, follow, picture, withQuery } from '../api.js';
import { useList, useOnce, useResource, useSettled, useTheme } from '../data.js';
import { Confirm } from '../dialogs.js';
import { count, duration, elapsed, millis, number, percent, plural, price, priceLike, share, words } from '../format.js';
import { Icon } from '../icons.js';
import { Age, Badge, Choice, Direction, Empty, Failure, Heading, Loaded, Loading, More, Panel, Progress, Select, Status, Table, Tile, Tiles } from '../parts.js';
import { go, link } from '../route.js';
import { html, useEffect, useMemo, useRef, useState } from '../view.js';

const STATS_POLL_MS = 5_000;
/** Symbols that are suggested while one is typed. */
const SUGGESTED = 20;
/** Markets of one symbol: as many as the server gives at a time. */
const MARKETS = 500;
/** Waits until a picture that is on its way is asked for again; the server may want longer ones. */
const PICTURE_RETRY_MS_MIN = 1_000;
const PICTURE_RETRY_MS_MAX = 30_000;
const FINAL = new Set(['completed', 'failed', 'cancelled']);
const TIMEFRAMES = [['', 'newest 1,000 bars'], ['1d', '1 day'], ['3d', '3 days'], ['7d', '7 days'], ['14d', '14 days'], ['30d', '30 days'], ['90d', '90 days'], ['180d', '180 days'], ['365d', '1 year']];
const INTERVALS = ['1m', '5m', '15m', '30m', '1h', '4h', '1d'];

/** Starts an analysis; the symbol's exchanges and intervals come from what there are candles of. */
function Start({ query, me, onStarted }) {
  const [form, setForm] = useState({ symbol: query.symbol ?? '', exchange: query.exchange ?? '', interval: query.interval ?? '1h', timeframe: query.timeframe ?? '' });
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  const symbol = form.symbol.trim();
  const asked = useSettled(symbol);
  const alike = useResource(withQuery('/api/instruments', { q: asked, limit: SUGGESTED }), { keep: true });
  const found = useResource(asked && withQuery('/api/instruments', { symbol: asked, limit: MARKETS }), { keep: true });
  const send = useOnce();
  const suggested = [...new Set((alike.data?.instruments ?? []).map((one) => one.symbol))];
  // What was found for the symbol of before is not this one's.
  const same = (found.data?.instruments ?? []).filter((one) => one.symbol.toLowerCase() === symbol.toLowerCase());
  const exchanges = [...new Set([...same.map((one) => one.exchange), ...(form.exchange ? [form.exchange] : [])])];
  const intervals = [...new Set(same.filter((one) => !form.exchange || one.exchange === form.exchange).flatMap((one) => one.intervals ?? []))];
  const offered = intervals.length ? intervals : INTERVALS;
  const interval = offered.includes(form.interval) ? form.interval : offered[0];
  const set = (changes) => setForm((old) => ({ ...old, ...changes }));
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      const path = `/analyze/${encodeURIComponent(same[0]?.symbol ?? symbol)}/${encodeURIComponent(interval)}`;
      const exchange = exchanges.includes(form.exchange) ? form.exchange : undefined;
      onStarted(await send(path, { user_id: me.user, timeframe: form.timeframe, exchange }));
    } catch (failure) {
      setError(failure);
    }
    setBusy(false);
  };
  return html`<${Panel} title="Start an analysis"><form class="job-form" id="job-form" onSubmit=${submit}>
    <label class="field grow"><span>Symbol</span><input name="symbol" required list="symbols" value=${form.symbol} placeholder="BTCUSDT" autocomplete="off" spellcheck="false" onInput=${(event) => set({ symbol: event.target.value, exchange: '' })} /></label>
    <datalist id="symbols">${suggested.map((name) => html`<option key=${name} value=${name} />`)}</datalist>
    <${Select} name="exchange" label="Exchange" value=${form.exchange} options=${[['', 'Any'], ...exchanges]} onChange=${(value) => set({ exchange: value })} />
    <${Select} name="interval" label="Interval" value=${interval} options=${offered} onChange=${(value) => set({ interval: value })} />
    <${Select} name="timeframe" label="Timeframe" value=${form.timeframe} options=${TIMEFRAMES} onChange=${(value) => set({ timeframe: value })} />
    <button class="primary" disabled=${busy || !symbol}>${busy ? 'Sending…' : 'Analyse'}</button></form>
    ${error ? html`<${Failure} error=${error} />` : null}<//>`;
}

/** The chart's picture in the current theme. It is stored a little after its job is completed: until then it is asked for. */
function Picture({ url, title }) {
  const theme = useTheme();
  const [state, setState] = useState({ source: null, error: null });
  const [turn, setTurn] = useState(0);
  const again = () => setTurn((value) => value + 1);
  useEffect(() => {
    const abort = new AbortController();
    let source = null;
    let timer = 0;
    picture(withQuery(url.split('?')[0], { theme }), abort.signal).then((made) => {
      source = made;
      if (abort.signal.aborted) URL.revokeObjectURL(made);
      else setState({ source: made, error: null });
    }, (error) => {
      if (abort.signal.aborted) return;
      setState({ source: null, error });
      const wait = Math.min(PICTURE_RETRY_MS_MIN * 2 ** turn, PICTURE_RETRY_MS_MAX);
      if (error.status === 503) timer = setTimeout(again, Math.max(error.retryAfterMs, wait));
    });
    return () => {
      abort.abort();
      clearTimeout(timer);
      if (source) URL.revokeObjectURL(source);
    };
  }, [url, theme, turn]);
  // No alarm: it is expected, and would be raised anew at each attempt.
  if (state.error?.status === 503) return html`<div class="pad"><p class="stale" role="status"><span>${state.error.message}</span><button type="button" class="small" onClick=${again}>Try again</button></p></div>`;
  if (state.error) return html`<${Failure} error=${state.error} retry=${again} />`;
  return state.source ? html`<img class="picture" src=${state.source} alt=${title} />` : html`<div class="picture skeleton" role="status" aria-label="Loading the chart"></div>`;
}

const READINGS = [['rsi14', 'RSI 14', 1], ['adx14', 'ADX 14', 1], ['stoch_k', 'Stoch %K', 1], ['ema20', 'EMA 20', 'price'], ['ema50', 'EMA 50', 'price'], ['sma200', 'SMA 200', 'price'], ['atr14', 'ATR 14', null]];

function Findings({ data }) {
  const last = data.last_close;
  const shown = (value, digits) => (digits === 'price' ? priceLike(value, last) : digits === null ? price(value) : number(value, digits));
  return html`<dl class="pairs"><div><dt>Last close</dt><dd class="num">${price(last)}</dd></div><div><dt>Change</dt><dd class="num">${percent(data.change === null ? null : data.change * 100)}</dd></div><div><dt>Candles</dt><dd class="num">${count(data.candles)}</dd></div>
      <div><dt>Volume</dt><dd class="num">${number(data.volume_ratio, 2)} × usual</dd></div><div><dt>Most traded at</dt><dd class="num">${priceLike(data.volume_peak, last)}</dd></div>
      ${READINGS.map(([name, title, digits]) => html`<div key=${name}><dt>${title}</dt><dd class="num">${shown(data.indicators?.[name], digits)}</dd></div>`)}</dl>
    <div class="halves"><div><h3>Levels</h3>${data.levels?.length ? html`<ul class="plain-list">${data.levels.slice(0, 6).map((level, index) => html`<li key=${index}><${Badge} tone=${level.side === 'support' ? 'good' : 'bad'}>${level.side}<//><b class="num">${priceLike(level.price, last)}</b><span class="quiet num end">${share(level.confidence)} sure</span></li>`)}</ul>` : html`<p class="quiet pad">None found.</p>`}</div>
      <div><h3>Patterns</h3>${data.patterns?.length ? html`<ul class="plain-list">${data.patterns.slice(0, 6).map((pattern, index) => html`<li key=${index}><${Direction} value=${pattern.direction} /><span>${words(pattern.name)}</span><span class="quiet num end">${share(pattern.confidence)}</span></li>`)}</ul>` : html`<p class="quiet pad">None found.</p>`}</div></div>`;
}

const BY = { template: 'by template: no model is set', gemini: 'by Gemini', openai: 'by an OpenAI model' };

/** What the stream says, until the job is final. */
function useProgress(id, done, onFinal) {
  const [event, setEvent] = useState(null);
  const [error, setError] = useState(null);
  useEffect(() => {
    if (done) return undefined;
    const abort = new AbortController();
    follow(`/analysis/stream/${encodeURIComponent(id)}`, {
      signal: abort.signal,
      onEvent: (_, told) => {
        setEvent(told);
        const final = FINAL.has(told.status);
        if (final) onFinal();
        return final;
      },
      onState: setError,
    });
    return () => abort.abort();
  }, [id, done]);
  return { event, error };
}

function Job({ id, onChange }) {
  const [done, setDone] = useState(false);
  // The stream is quicker, but a proxy may hold it back.
  const resource = useResource(`/analysis/status/${encodeURIComponent(id)}`, { poll: done ? 0 : STATS_POLL_MS });
  const stored = resource.data;
  useEffect(() => setDone(FINAL.has(stored?.status)), [stored?.status]);
  const { event: told, error } = useProgress(id, !stored || FINAL.has(stored.status), () => (resource.reload(), onChange()));
  const [asking, setAsking] = useState(false);
  const back = html`<a class="back" href=${link('jobs')}><${Icon} name="back" />All jobs</a>`;
  if (resource.error?.status === 404) return html`${back}<div class="panel"><${Empty} title="There is no such analysis.">It may belong to somebody else.<//></div>`;
  const cancel = async () => {
    await command('DELETE', `/analysis/cancel/${encodeURIComponent(id)}`);
    resource.reload();
    onChange();
  };
  return html`${back}<${Loaded} resource=${resource} what="the analysis">${(job) => {
    const final = FINAL.has(job.status);
    // What a stream said that broke may be older than what was asked for since.
    const event = error ? null : told;
    const status = final || !event ? job.status : event.status;
    const progress = final ? 100 : event?.progress ?? job.progress;
    const step = final ? null : event?.message ?? job.step;
    const title = `${job.symbol} ${job.interval}`;
    const took = final ? millis(job.updated_at) - millis(job.created_at) : null;
    return html`<div class="stack"><${Panel} title=${title} actions=${html`<${Status} value=${status} />${final ? null : html`<button type="button" class="small danger" id="cancel-job" onClick=${() => setAsking(true)}>Cancel</button>`}
        ${job.exchange ? html`<a href=${link('instrument', [job.exchange, job.symbol, job.interval])}>Instrument</a>` : null}`}>
      <p class="facts pad"><span>${job.exchange || 'any exchange'}</span><span>timeframe ${job.timeframe || 'newest bars'}</span><span>started <${Age} time=${job.created_at} /></span>${took !== null ? html`<span class="num">took ${elapsed(took)}</span>` : null}<span>for ${job.user_id}</span><span class="num">${plural(job.attempts, 'attempt')}</span></p>
      ${final ? null : html`<div class="pad" id="progress"><${Progress} value=${progress} label="Progress" /><p class="quiet num" role="status" aria-live="polite">${number(progress, 0)} % · ${step || words(status)}${error ? ' · connection lost, trying again' : ''}</p></div>`}
      ${job.error ? html`<${Failure} error=${{ message: job.error, code: status }} />` : null}
      ${status === 'cancelled' ? html`<${Empty} title="Cancelled.">Start it again above when it is wanted after all.<//>` : null}
      ${job.image_url ? html`<${Picture} url=${job.image_url} title=${`Chart of ${title} with what was found`} />` : null}
      ${job.llm_summary ? html`<div class="pad"><h3>Summary <span class="quiet">${BY[job.summary_by] ?? job.summary_by}</span></h3><p class="prose">${job.llm_summary}</p></div>` : null}
      ${job.analysis_data ? html`<${Findings} data=${job.analysis_data} />` : null}<//></div>
      ${asking ? html`<${Confirm} title="Cancel this analysis?" verb="Cancel the analysis" danger act=${cancel} onClose=${() => setAsking(false)}><p>The worker stops at its next step. Nothing of it is kept.</p><//>` : null}`;
  }}<//>`;
}

const COLUMNS = [
  { name: 'Analysis', cell: (job) => html`<a class="cover" href=${link('jobs', [job.analysis_id])}><b>${job.symbol}</b> ${job.interval}</a>` },
  { name: 'Exchange', cell: (job) => job.exchange || '–' },
  { name: 'Timeframe', cell: (job) => job.timeframe || 'newest bars' },
  { name: 'Status', cell: (job) => html`<${Status} value=${job.status} />` },
  { name: 'Progress', cell: (job) => html`<${Progress} value=${job.progress} label=${`Progress of ${job.symbol}`} tone=${job.status === 'completed' ? 'good' : job.status === 'failed' ? 'bad' : 'accent'} />` },
  { name: 'User', cell: (job) => job.user_id },
  { name: 'Started', num: true, cell: (job) => html`<${Age} time=${job.created_at} />` },
];
const STATUSES = [['', 'All'], ['queued', 'Queued'], ['processing', 'Processing'], ['completed', 'Completed'], ['failed', 'Failed'], ['cancelled', 'Cancelled']];

function List({ status, turn, current }) {
  const list = useList('/analysis/jobs', 'jobs', { status });
  const busy = list.items.some((job) => !FINAL.has(job.status));
  const newest = useRef(list);
  newest.current = list;
  const turned = useRef(turn);
  useEffect(() => {
    if (turned.current !== turn) list.reload();
    turned.current = turn;
  }, [turn]);
  useEffect(() => {
    // Others' jobs move on as well; a list of final ones stands still, and so does one that was opened further.
    const look = () => document.hidden || newest.current.loading || newest.current.pages > 1 || newest.current.reload();
    const timer = busy ? setInterval(look, STATS_POLL_MS) : 0;
    return () => clearInterval(timer);
  }, [busy]);
  const { items, pages, hasMore } = list;
  if (list.error && !pages) return html`<${Failure} error=${list.error} retry=${list.retry} />`;
  if (list.loading && !pages) return html`<${Loading} what="jobs" />`;
  if (!items.length && !hasMore) return html`<${Empty} title=${status ? `No job is ${status}.` : 'No analysis yet.'}>Start one with the form above, or open an instrument and choose Analyse.<//>`;
  // Jobs are sought by pages: one may have none of those that are wanted, and the next may have some.
  return html`${items.length ? html`<${Table} label="Jobs" columns=${COLUMNS} rows=${items} id=${(job) => job.analysis_id} current=${(job) => job.analysis_id === current} />`
    : html`<p class="quiet pad" role="status">None of the newest jobs is ${status || 'to be shown'}. There may be older ones.</p>`}<${More} list=${list} />`;
}

export const WORKER_COLUMNS = [
  { name: 'Worker', cell: (worker) => html`<code>${worker.worker_id}</code>` },
  { name: 'Health', cell: (worker) => html`<${Status} value=${worker.status} />` },
  { name: 'Breaker', cell: (worker) => html`<${Status} breaker value=${worker.circuit_breaker_state} />` },
  { name: 'Analyses', num: true, cell: (worker) => count(worker.analyses_processed) },
  { name: 'Errors', num: true, cell: (worker) => count(worker.errors_total) },
  { name: 'Average', num: true, cell: (worker) => elapsed(worker.avg_processing_time * 1000) },
  { name: 'Up', num: true, cell: (worker) => duration(worker.uptime) },
  { name: 'Seen', num: true, cell: (worker) => html`<${Age} time=${worker.last_seen} />` },
];

const NO_WORKERS = 'No worker has been seen: run the analyze stage.';

export function Jobs({ route, me }) {
  const stats = useResource('/analysis/queue/stats', { poll: STATS_POLL_MS });
  const workers = useResource('/analysis/workers', { poll: STATS_POLL_MS });
  const [turn, setTurn] = useState(0);
  const [status, setStatus] = useState('');
  const id = route.parts[0];
  const change = () => setTurn((value) => value + 1);
  const form = useMemo(() => route.query, [id]);
  const tiles = stats.data && html`<${Tiles}><${Tile} label="Waiting" value=${count(stats.data.pending_jobs)} /><${Tile} label="Workers" value=${count(stats.data.active_consumers)} tone=${stats.data.active_consumers ? undefined : 'warn'} /><${Tile} label="Jobs in the stream" value=${count(stats.data.total_jobs_in_stream)} /><//>`;
  return html`<${Heading} title="Jobs">${tiles}<//>
    <${Start} query=${form} me=${me} onStarted=${(answer) => (change(), go('jobs', [answer.analysis_id]))} />
    ${id ? html`<section class="stack" id="detail" tabindex="-1" aria-label="Analysis"><${Job} key=${id} id=${id} onChange=${change} /></section>` : null}
    <${Panel} title=${me.admin ? 'All jobs' : 'Your jobs'} actions=${html`<${Choice} label="Status" value=${status} options=${STATUSES.map(([value, text]) => ({ value, text }))} onChange=${setStatus} />`}><${List} key=${status} status=${status} turn=${turn} current=${id} /><//>
    <${Panel} title="Workers"><${Loaded} resource=${workers} what="workers" lines=${2}>${(data) => html`<${Table} label="Workers" columns=${WORKER_COLUMNS} rows=${data.workers} empty=${NO_WORKERS} />`}<//><//>`;
}
