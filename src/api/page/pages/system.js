// How the program is: its hops and services, what waits, what is spent, what went wrong. For admins.

import { useResource } from '../data.js';
import { count, duration, exact, number, usd } from '../format.js';
import { Age, Badge, Heading, Loaded, Meter, Panel, Status, Table, Tile, Tiles } from '../parts.js';
import { link } from '../route.js';
import { html } from '../view.js';
import { WORKER_COLUMNS } from './jobs.js';

const POLL_MS = 5_000;
/** So much lag is worth a colour. */
const LAG_WARN_S = 60;

const COMPONENTS = [
  { name: 'Name', cell: (row) => html`<b>${row.name}</b>` },
  { name: 'State', cell: (row) => html`<${Status} value=${row.state} />` },
  { name: 'Since', num: true, cell: (row) => html`<${Age} time=${row.since} />` },
  { name: 'Why', wide: true, cell: (row) => row.why || null },
];
const QUEUES = [
  { name: 'Topic', cell: (row) => html`<code>${row.topic}</code>` },
  { name: 'Read by', cell: (row) => row.hop },
  { name: 'Records', num: true, cell: (row) => count(row.lag_records) },
  { name: 'Behind', num: true, cell: (row) => html`<span class=${row.lag_seconds > LAG_WARN_S ? 'tone-warn' : ''}>${duration(row.lag_seconds)}</span>` },
];
const DEAD = [
  { name: 'Topic', cell: (row) => html`<code>${row.topic}</code>` },
  { name: 'Reason', cell: (row) => html`<${Badge} tone="bad">${row.reason}<//>` },
  { name: 'Count', num: true, cell: (row) => count(row.count) },
  { name: 'Newest', num: true, cell: (row) => html`<${Age} time=${row.newest_at} />` },
];
const BREAKERS = [
  { name: 'Provider', cell: (row) => html`<b>${row.provider}</b>` },
  { name: 'Breaker', cell: (row) => html`<${Status} breaker value=${row.state} />` },
];

function Verdict({ status }) {
  const parts = [...status.hops, ...status.services];
  const failed = parts.filter((part) => part.state === 'failed');
  const waiting = parts.filter((part) => part.state === 'waiting' || part.state === 'starting');
  const open = status.breakers.filter((breaker) => breaker.state !== 'closed');
  const [tone, text] = failed.length ? ['bad', `${failed.map((part) => part.name).join(', ')} failed.`]
    : waiting.length ? ['warn', `${waiting.map((part) => part.name).join(', ')} ${waiting.length === 1 ? 'waits' : 'wait'}; it goes on by itself.`]
      : open.length ? ['warn', `Calls to ${open.map((breaker) => breaker.provider).join(', ')} are held back.`]
        : ['good', 'Everything works.'];
  return html`<p class="verdict-line tone-${tone}" role="status"><i class="dot ${tone}"></i>${text}</p>`;
}

const Budget = ({ budget }) => html`<li><p class="bar-head"><span>${budget.budget}</span><b class="num">${budget.limit_usd === null ? 'no limit' : usd(budget.limit_usd)}</b></p>
  ${budget.limit_usd === null ? null : html`<${Meter} label=${`Budget ${budget.budget}`} whole=${budget.limit_usd} parts=${[{ name: 'spent', tone: 'accent', value: budget.spent_usd, text: usd(budget.spent_usd) }, { name: 'reserved', tone: 'reserved', value: budget.reserved_usd, text: usd(budget.reserved_usd) }]} />`}
  <p class="quiet num">${usd(budget.spent_usd)} spent, ${usd(budget.reserved_usd)} reserved${budget.limit_usd > 0 ? `, ${number((100 * budget.spent_usd) / budget.limit_usd, 0)} % used` : ''}</p></li>`;

const Overview = ({ status }) => html`<${Tiles}><${Tile} label="Version" value=${status.version} /><${Tile} label="Up" value=${html`<span title=${exact(status.started_at)}>${duration(status.uptime_s)}</span>`} />
  <${Tile} label="Open sessions" value=${count(status.sessions.open)} /><${Tile} label="Exhausted sessions" value=${count(status.sessions.exhausted)} tone=${status.sessions.exhausted ? 'warn' : undefined} />
  <${Tile} label="Dead letters" value=${count(status.dead_letters.reduce((sum, row) => sum + row.count, 0))} tone=${status.dead_letters.length ? 'warn' : undefined} />
  <${Tile} label="Migrations" value=${count(status.tables.migrations)} /><//>`;

export function System() {
  const resource = useResource('/admin/status', { poll: POLL_MS });
  return html`<${Heading} title="System"><span class="live"><i class="dot ${resource.error ? 'bad' : 'good'}"></i>${resource.error ? 'Not live' : 'Live'}</span><//>
    <${Loaded} resource=${resource} what="the system" lines=${10}>${(status) => html`<${Verdict} status=${status} /><${Overview} status=${status} />
    <div class="columns"><${Panel} title="Hops"><${Table} label="Hops" compact columns=${COMPONENTS} rows=${status.hops} empty="No hop runs in this process." /><//>
      <${Panel} title="Services"><${Table} label="Services" compact columns=${COMPONENTS} rows=${status.services} empty="None is used." /><//>
      <${Panel} title="Lag"><${Table} label="Lag" compact columns=${QUEUES} rows=${status.queues} empty="No queue is read by this process." /><//>
      <${Panel} title="Budgets" actions=${html`<a href=${link('sessions')}>Sessions</a>`}><ul class="budgets">${status.budgets.map((budget) => html`<${Budget} key=${budget.budget} budget=${budget} />`)}</ul>${status.budgets.length ? null : html`<p class="quiet pad">No budget is set.</p>`}<//>
      <${Panel} title="Breakers"><${Table} label="Breakers" columns=${BREAKERS} rows=${status.breakers} empty="No provider has been called." /><//>
      <${Panel} title="Dead letters"><${Table} label="Dead letters" columns=${DEAD} rows=${status.dead_letters} empty="None: every record was understood." /><//></div>
    <${Panel} title="Workers"><${Table} label="Workers" columns=${WORKER_COLUMNS} rows=${status.workers} empty="No worker has been seen: run the analyze stage." /><//>`}<//>`;
}
