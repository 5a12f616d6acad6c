// Sessions: one session is one budget. What it has spent, how far it is, live; start, recover, cancel.
//
// Starting takes two steps: an estimate of exactly what would be started, then the start. Changing a field asks anew.

import { command, follow } from '../api.js';
import { useList, useOnce, useResource } from '../data.js';
import { Confirm, Dialog } from '../dialogs.js';
import { count, elapsed, number, plural, usd } from '../format.js';
import { Icon } from '../icons.js';
import { Age, Empty, Failure, Heading, Loaded, Loading, Meter, More, Panel, Select, Status, Table, Tile, Tiles } from '../parts.js';
import { go, link } from '../route.js';
import { html, useEffect, useRef, useState } from '../view.js';

/** As the server allows them. */
const LIMIT_MIN = 10;
const LIMIT_MAX = 1000;
const LIMIT_FIRST = 100;
const BUDGET_FIRST = 0.3;

const money = (session) => [
  { name: 'spent', tone: 'accent', value: session.spent_usd, text: usd(session.spent_usd) },
  { name: 'reserved', tone: 'reserved', value: session.reserved_usd, text: usd(session.reserved_usd) },
  { name: 'in doubt', tone: 'warn', value: session.in_doubt_usd, text: usd(session.in_doubt_usd) },
];
const articles = (session) => [
  { name: 'analysed', tone: 'good', value: session.articles_analyzed, text: count(session.articles_analyzed) },
  { name: 'deferred', tone: 'warn', value: session.articles_deferred, text: count(session.articles_deferred) },
  { name: 'failed', tone: 'bad', value: session.articles_failed, text: count(session.articles_failed) },
];

const Legend = ({ parts }) => html`<ul class="legend">${parts.map((part) => html`<li key=${part.name}><i class="fill-${part.tone}"></i>${part.name} <b class="num">${part.text}</b></li>`)}</ul>`;

/** Money and articles of a session as bars with their figures. */
const Bars = ({ session }) => html`<div class="bars"><div><p class="bar-head"><span>Budget</span><b class="num">${usd(session.budget_usd)}</b></p>
    <${Meter} label="Budget" whole=${session.budget_usd} parts=${money(session)} /><${Legend} parts=${money(session)} /></div>
  <div><p class="bar-head"><span>Articles</span><b class="num">${count(session.articles_total)}</b></p>
    <${Meter} label="Articles" whole=${session.articles_total} parts=${articles(session)} /><${Legend} parts=${articles(session)} /></div></div>`;

/** Cancelled ones can come back, and so can what failed; a finished one has nothing to cancel. */
const recoverable = (session) => ['exhausted', 'cancelled', 'stalled'].includes(session.status) || session.articles_failed > 0;
const cancellable = (session) => ['open', 'exhausted', 'stalled'].includes(session.status);

function Actions({ session, ask }) {
  return html`<button type="button" class="small" disabled=${!recoverable(session)} onClick=${() => ask({ verb: 'recover', session })}>Recover</button>
    <button type="button" class="small danger" disabled=${!cancellable(session)} onClick=${() => ask({ verb: 'cancel', session })}>Cancel</button>`;
}

const Card = ({ session, admin, ask }) => html`<li class="panel session"><header class="panel-head"><h2><a href=${link('sessions', [session.session_id])}>${session.session_id}</a></h2><${Status} value=${session.status} />
    <span class="quiet">updated <${Age} time=${session.updated_at} /></span><div class="row end">${admin ? html`<${Actions} session=${session} ask=${ask} />` : null}</div></header><${Bars} session=${session} /></li>`;

function Ask({ asked, onClose, onSent }) {
  const { verb, session } = asked;
  const act = async () => onSent(await command('POST', `/api/sessions/${encodeURIComponent(session.session_id)}/${verb}`));
  if (verb === 'cancel') {
    return html`<${Confirm} title="Cancel this session?" verb="Cancel the session" danger act=${act} onClose=${onClose}><p>Nothing more is bought in <b>${session.session_id}</b>, and what waits is let go. What is under way is finished and paid. Recovering takes it back.</p><//>`;
  }
  return html`<${Confirm} title="Recover this session?" verb="Recover the session" act=${act} onClose=${onClose}><p>What has failed in <b>${session.session_id}</b> is tried again, what is deferred goes on as far as its budget of ${usd(session.budget_usd)} reaches, and a cancellation is taken back.</p><//>`;
}

const Estimate = ({ answer }) => html`<div class="estimate" role="status"><h3>Estimate</h3><${Tiles}>
    <${Tile} label="Articles" value=${count(answer.articles)} hint=${`in ${plural(answer.batches, 'batch', 'batches')}`} /><${Tile} label="Likely cost" value=${usd(answer.estimate.usd_p50)} /><${Tile} label="At worst" value=${usd(answer.estimate.usd_worst)} />
    <${Tile} label="Affordable" value=${count(answer.estimate.articles_affordable)} hint=${`of ${usd(answer.budget_usd)}`} tone=${answer.estimate.articles_affordable < answer.articles ? 'warn' : undefined} /><//>
  <p class="quiet">By ${answer.analyzer}${answer.model ? `, ${answer.model}` : ''}. ${answer.estimate.articles_affordable < answer.articles ? 'The budget does not reach for all: the rest is deferred.' : 'The budget is a hard limit.'}</p></div>`;

function Start({ onClose, onStarted }) {
  const publishers = useResource('/api/publishers');
  const [answer, setAnswer] = useState(null);
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  const form = useRef(null);
  const start = useOnce();
  const body = () => {
    const data = new FormData(form.current);
    const optional = (name) => data.get(name) || null;
    const chars = optional('min_chars');
    return { limit: Number(data.get('limit')), budget_usd: Number(data.get('budget')), publisher: optional('publisher'), min_chars: chars === null ? null : Number(chars) };
  };
  const send = async (dry) => {
    setBusy(true);
    setError(null);
    try {
      const wish = body();
      if (!dry) return onStarted(await start('/api/sessions', wish));
      const told = await command('POST', '/api/sessions?dry_run=true', wish);
      // An estimate of what the form no longer says is none.
      if (JSON.stringify(wish) === JSON.stringify(body())) setAnswer(told);
    } catch (failure) {
      setError(failure);
    }
    return setBusy(false);
  };
  const changed = () => setAnswer(null);
  // Articles without a publisher cannot be asked for: an empty one is all of them.
  const names = publishers.data?.publishers.filter((one) => one.publisher && one.ready > 0).map((one) => [one.publisher, `${one.publisher} (${count(one.ready)} ready)`]) ?? [];
  return html`<${Dialog} title="Start a session" onClose=${onClose}><form ref=${form} class="grid-form" onInput=${changed} onSubmit=${(event) => (event.preventDefault(), send(!answer))}>
    <label class="field"><span>Articles, at most</span><input name="limit" type="number" required min=${LIMIT_MIN} max=${LIMIT_MAX} defaultValue=${LIMIT_FIRST} /></label>
    <label class="field"><span>Budget in dollars</span><input name="budget" type="number" required min="0.001" step="0.001" defaultValue=${BUDGET_FIRST} /></label>
    <${Select} name="publisher" label="Publisher" options=${[['', 'All publishers'], ...names]} onChange=${changed} />
    <label class="field"><span>Characters, at least</span><input name="min_chars" type="number" min="0" step="1" placeholder="as configured" /></label>
    <div class="whole">${error ? html`<${Failure} error=${error} />` : null}${answer ? html`<${Estimate} answer=${answer} />` : html`<p class="quiet">First an estimate of what this would cost. Nothing is bought by that.</p>`}</div>
    <div class="row end whole"><button type="submit" class=${answer ? '' : 'primary'} disabled=${busy || answer !== null}>${busy && !answer ? 'Estimating…' : 'Dry run'}</button>
      <button type="button" class="primary" disabled=${busy || !answer} onClick=${() => send(false)}>Start for at most ${answer ? usd(answer.budget_usd) : '…'}</button></div></form><//>`;
}

/** Sessions as they change: `live` by id, and whether the stream stands. `onAgain` when it stands again after a gap. */
function useLive(onAgain) {
  const [live, setLive] = useState({});
  const [error, setError] = useState(undefined);
  const again = useRef(onAgain);
  again.current = onAgain;
  useEffect(() => {
    const abort = new AbortController();
    let stood = false;
    follow('/api/sessions/events', {
      signal: abort.signal,
      onEvent: (type, session) => {
        if (type === 'session') setLive((old) => ({ ...old, [session.session_id]: session }));
      },
      onState: (told) => {
        setError(told);
        if (told) return;
        if (stood) {
          // The stream tells of the newest: what else changed in the gap, the list has to be asked.
          setLive({});
          again.current();
        }
        stood = true;
      },
    });
    return () => abort.abort();
  }, []);
  return { live, error };
}

const LiveMark = ({ error }) => html`<span class="live" role="status"><i class="dot ${error === undefined ? 'plain' : error ? 'bad' : 'good'}"></i>${error === undefined ? 'Connecting' : error ? 'Not live, trying again' : 'Live'}</span>`;

const RECORDS = [
  { name: 'Article', wide: true, cell: (row) => html`<a href=${link('articles', [row.article_id])}>${row.article_id}</a>` },
  { name: 'Status', cell: (row) => html`<${Status} value=${row.status} />` },
  { name: 'Attempt', num: true, cell: (row) => count(row.attempt) },
  { name: 'Cost', num: true, cell: (row) => usd(row.cost_usd) },
  { name: 'Took', num: true, cell: (row) => elapsed(row.duration_ms) },
  { name: 'Finished', num: true, cell: (row) => html`<${Age} time=${row.finished_at} />` },
  { name: 'Error', wide: true, cell: (row) => row.error || null },
];
const SPEND = [
  { name: 'Provider', cell: (row) => row.provider },
  { name: 'Model', cell: (row) => row.model || '–' },
  { name: 'Calls', num: true, cell: (row) => count(row.calls) },
  { name: 'Input tokens', num: true, cell: (row) => count(row.input_tokens) },
  { name: 'Output tokens', num: true, cell: (row) => count(row.output_tokens) },
  { name: 'Cost', num: true, cell: (row) => usd(row.cost_usd) },
];

function Detail({ id, live, admin, ask, turn }) {
  const resource = useResource(`/api/sessions/${encodeURIComponent(id)}`, { poll: 10_000 });
  const { articles_analyzed: analyzed, status } = live ?? {};
  const seen = useRef(false);
  useEffect(() => {
    // The stream tells of a session as soon as it exists, which may be after it was first asked for.
    if (seen.current) resource.reload();
    seen.current = true;
  }, [turn, status, analyzed]);
  const back = html`<a class="back" href=${link('sessions')}><${Icon} name="back" />All sessions</a>`;
  if (resource.error?.status === 404 && !resource.data) return html`${back}<div class="panel"><${Empty} title="There is no such session.">Its first article makes it appear; look again in a moment.<//></div>`;
  return html`${back}<${Loaded} resource=${resource} what="the session">${({ session: stored, records, spend }) => {
    const session = live ?? stored;
    return html`<div class="stack"><${Panel} title=${session.session_id} actions=${html`<${Status} value=${session.status} />${admin ? html`<${Actions} session=${session} ask=${ask} />` : null}`}><${Bars} session=${session} />
      <${Tiles}><${Tile} label="Started" value=${html`<${Age} time=${session.started_at} />`} /><${Tile} label="Updated" value=${html`<${Age} time=${session.updated_at} />`} /><${Tile} label="Finished" value=${html`<${Age} time=${session.finished_at} />`} />
        <${Tile} label="For an article" value=${session.articles_analyzed ? usd(session.spent_usd / session.articles_analyzed) : '–'} /><${Tile} label="Budget used" value=${session.budget_usd > 0 ? `${number((100 * session.spent_usd) / session.budget_usd, 0)} %` : '–'} /><//><//>
      <${Panel} title="Spending"><${Table} label="Spending" columns=${SPEND} rows=${spend ?? []} empty="Nothing was bought." /><//>
      <${Panel} title="Records" actions=${html`<span class="quiet num">${count((records ?? []).length)} newest</span>`}><${Table} label="Records" columns=${RECORDS} rows=${records ?? []} empty="No article has been finished yet." /><//></div>`;
  }}<//>`;
}

const newest = (a, b) => Date.parse(b.started_at) - Date.parse(a.started_at);

export function Sessions({ route, me }) {
  const list = useList('/api/sessions', 'sessions', {});
  const { live, error } = useLive(() => list.pages > 1 || list.reload());
  const [asked, setAsked] = useState(null);
  const [starting, setStarting] = useState(false);
  const [said, setSaid] = useState('');
  const [turn, setTurn] = useState(0);
  const id = route.parts[0];
  const known = new Set(list.items.map((session) => session.session_id));
  const fresh = list.loading && !list.items.length ? [] : Object.values(live).filter((session) => !known.has(session.session_id)).sort(newest);
  const all = [...fresh, ...list.items.map((session) => live[session.session_id] ?? session)];
  const sent = (answer) => (setSaid(answer.message ?? 'Sent.'), setTurn((value) => value + 1));
  const started = (answer) => (setStarting(false), setSaid(`Session ${answer.session_id} is open.`), go('sessions', [answer.session_id]));
  const cards = () => {
    if (list.error && !all.length) return html`<${Failure} error=${list.error} retry=${list.reload} />`;
    if (list.loading && !all.length) return html`<div class="panel"><${Loading} what="sessions" /></div>`;
    if (!all.length) return html`<div class="panel"><${Empty} title="No session yet.">${me.admin ? 'Start one over the articles that are ready, or send' : 'Send'} articles: <code>signalmill ingest articles FILE</code>.<//></div>`;
    return html`<ul class="sessions">${all.map((session) => html`<${Card} key=${session.session_id} session=${session} admin=${me.admin} ask=${setAsked} />`)}</ul><${More} list=${list} />`;
  };
  return html`<${Heading} title="Sessions"><${LiveMark} error=${error} />${me.admin ? html`<button type="button" class="primary" id="start-session" onClick=${() => setStarting(true)}>Start a session</button>` : null}<//>
    <p class="said" role="status" aria-live="polite">${said}</p>
    ${id ? html`<section class="stack" id="detail" tabindex="-1" aria-label="Session"><${Detail} key=${id} id=${id} live=${live[id]} admin=${me.admin} ask=${setAsked} turn=${turn} /></section>` : cards()}
    ${asked ? html`<${Ask} asked=${asked} onClose=${() => setAsked(null)} onSent=${sent} />` : null}
    ${starting ? html`<${Start} onClose=${() => setStarting(false)} onStarted=${started} />` : null}`;
}
