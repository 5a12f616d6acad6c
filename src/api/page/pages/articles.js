// Articles: what waits for an analysis, what was analysed, what was not and why. One of them in full.

import { useList, useResource, useSettled } from '../data.js';
import { count, elapsed, exact, moment, number, share, usd, words } from '../format.js';
import { Icon } from '../icons.js';
import { Age, Badge, Choice, Direction, Empty, External, Failure, Heading, Loaded, Loading, More, Panel, Score, Select, Status, Table } from '../parts.js';
import { link, replaceQuery } from '../route.js';
import { html, useEffect, useState } from '../view.js';

const TABS = [
  { value: 'ready', text: 'Queue', empty: 'Nothing waits for an analysis.', help: 'New articles appear here once they are cleaned and long enough (articles.ready_chars).' },
  { value: 'analyzed', text: 'Analysed', empty: 'No article has been analysed yet.', help: 'Start a session, or run the analyse stage.' },
  { value: 'deferred', text: 'Deferred', empty: 'Nothing is deferred.', help: 'Articles wait here when a budget is used up.' },
  { value: 'failed', text: 'Failed', empty: 'Nothing has failed.', help: 'Articles whose attempts are used up appear here.' },
  { value: 'screened', text: 'Screened', empty: 'Nothing was screened.', help: 'Articles that are too short or in another language appear here.' },
  { value: 'all', text: 'All', empty: 'No articles yet.', help: 'Send some: signalmill ingest articles FILE, or start with signalmill serve --demo.' },
];

const Mark = ({ article }) => {
  if (article.direction) return html`<${Direction} value=${article.direction} />`;
  if (article.screen) return html`<${Badge} tone="plain">${words(article.screen)}<//>`;
  return article.status && article.status !== 'ready' ? html`<${Status} value=${article.status} />` : null;
};

const Item = ({ article, query, current }) => html`<li class=${current ? 'item current' : 'item'}>
  <a class="cover" href=${link('articles', [article.article_id], query)} aria-current=${current ? 'true' : undefined}>${article.title || 'Without a title'}</a>
  ${article.excerpt ? html`<p class="excerpt">${article.excerpt}</p>` : null}
  <p class="facts"><b>${article.publisher || 'unknown publisher'}</b><${Age} time=${article.published_at} /><span class="num">${count(article.text_chars)} characters</span>
    ${article.assets?.length ? html`<span>${article.assets.slice(0, 4).join(', ')}</span>` : null}<${Mark} article=${article} />${article.cost_usd ? html`<span class="num">${usd(article.cost_usd)}</span>` : null}</p></li>`;

function List({ tab, publisher, q, query, current }) {
  const path = tab.value === 'ready' && !q ? '/api/articles/analysis-ready' : '/api/articles';
  const parameters = path === '/api/articles' ? { status: tab.value, publisher, q } : { publisher };
  const list = useList(path, 'articles', parameters);
  const filtered = publisher || q;
  if (list.error && !list.items.length) return html`<${Failure} error=${list.error} retry=${list.reload} />`;
  if (list.loading && !list.items.length) return html`<${Loading} what="articles" lines=${10} />`;
  if (!list.items.length) return html`<${Empty} title=${filtered ? 'No article matches.' : tab.empty}>${filtered ? 'Try another publisher or another part of the title.' : tab.help}<//>`;
  return html`<p class="quiet pad num" role="status">${list.total === null ? `${count(list.items.length)}${list.hasMore ? ' newest' : ''} articles` : `${count(list.total)} articles are ready, publishers with priority first`}</p>
    <ol class="items">${list.items.map((article) => html`<${Item} key=${article.article_id} article=${article} query=${query} current=${article.article_id === current} />`)}</ol><${More} list=${list} />`;
}

const Gauge = ({ name, value, digits = 0 }) => html`<div><dt>${name}</dt><dd class="num">${share(value, digits)}</dd></div>`;

function Analysis({ analysis, signal }) {
  if (!analysis) {
    return html`<${Panel} title="Analysis"><${Empty} title="Not analysed.">It waits in the queue until a session takes it.<//><//>`;
  }
  const points = Array.isArray(analysis.key_points) ? analysis.key_points : [analysis.key_points].filter(Boolean);
  const made = [analysis.analyzer, analysis.model].filter(Boolean).join(' · ');
  return html`<${Panel} title="Analysis" actions=${html`<span class="quiet">${made}</span>`}>
    <div class="verdict"><${Direction} value=${analysis.direction} />${signal ? html`<${Score} value=${signal.score} />` : null}<${Badge}>${words(analysis.event_type)}<//>
      ${(analysis.assets ?? []).map((asset) => html`<${Badge} key=${asset} tone="info">${asset}<//>`)}</div>
    <dl class="pairs"><div><dt>Sentiment</dt><dd class="num">${number(analysis.sentiment, 2)}</dd></div><${Gauge} name="Confidence" value=${analysis.confidence} /><${Gauge} name="Strength" value=${analysis.strength} />
      <${Gauge} name="Novelty" value=${analysis.novelty} /><${Gauge} name="Validation" value=${analysis.validation_score} /><div><dt>Horizon</dt><dd>${words(analysis.horizon)}</dd></div>
      <div><dt>Cost</dt><dd class="num">${usd(analysis.cost_usd)}</dd></div><div><dt>Tokens</dt><dd class="num">${count(analysis.input_tokens)} in, ${count(analysis.output_tokens)} out</dd></div><div><dt>Took</dt><dd class="num">${elapsed(analysis.duration_ms)}</dd></div></dl>
    ${points.length ? html`<h3>Key points</h3><ul class="prose">${points.map((point, index) => html`<li key=${index}>${point}</li>`)}</ul>` : null}
    ${analysis.rationale ? html`<h3>Rationale</h3><p class="prose">${analysis.rationale}</p>` : null}
    <p class="quiet pad">Analysed <${Age} time=${analysis.analyzed_at} />${analysis.session_id ? html` in session <a href=${link('sessions', [analysis.session_id])}>${analysis.session_id}</a>` : null}</p><//>`;
}

const ATTEMPTS = [
  { name: 'Attempt', num: true, cell: (row) => count(row.attempt) },
  { name: 'Status', cell: (row) => html`<${Status} value=${row.status} />` },
  { name: 'Session', cell: (row) => html`<a href=${link('sessions', [row.session_id])}>${row.session_id}</a>` },
  { name: 'Cost', num: true, cell: (row) => usd(row.cost_usd) },
  { name: 'Took', num: true, cell: (row) => elapsed(row.duration_ms) },
  { name: 'Finished', num: true, cell: (row) => html`<${Age} time=${row.finished_at} />` },
  { name: 'Error', wide: true, cell: (row) => row.error || null },
];
const SPEND = [
  { name: 'Provider', cell: (row) => row.provider },
  { name: 'Model', cell: (row) => row.model || '–' },
  { name: 'Operation', cell: (row) => words(row.operation) },
  { name: 'Outcome', cell: (row) => html`<${Status} value=${row.outcome} />` },
  { name: 'Held', num: true, cell: (row) => usd(row.held_usd) },
  { name: 'Cost', num: true, cell: (row) => usd(row.cost_usd) },
  { name: 'Tokens', num: true, cell: (row) => `${count(row.input_tokens)} / ${count(row.output_tokens)}` },
  { name: 'When', num: true, cell: (row) => html`<${Age} time=${row.at} />` },
];

const Sources = ({ sources }) => html`<${Panel} title="Sources">${sources.length ? html`<ul class="plain-list">${sources.map((source, index) => html`<li key=${index}><${External} url=${source.url} /><span class="quiet end num">${source.published_at ? moment(source.published_at) : 'no date'}</span></li>`)}</ul>`
  : html`<p class="quiet pad">None: only strong claims are validated.</p>`}<//>`;

function Article({ id, query }) {
  const resource = useResource(`/api/articles/${encodeURIComponent(id)}`);
  const back = html`<a class="back" href=${link('articles', [], query)}><${Icon} name="back" />All articles</a>`;
  if (resource.error?.status === 404) return html`${back}<div class="panel"><${Empty} title="There is no such article.">It may belong to another server, or its id is mistyped.<//></div>`;
  return html`${back}<${Loaded} resource=${resource} what="the article" lines=${12}>${({ article, analysis, sources, attempts, spend, signal }) => html`<article class="stack" aria-labelledby="article-title">
    <header class="article-head"><h2 id="article-title">${article.title || 'Without a title'}</h2>
      <p class="facts"><b>${article.publisher || 'unknown publisher'}</b><span title=${exact(article.published_at)}>published <${Age} time=${article.published_at} /></span><span>received <${Age} time=${article.received_at} /></span>
        ${article.language ? html`<span>${article.language}</span>` : null}<${Mark} article=${article} />${article.url ? html`<${External} url=${article.url}>Original<//>` : null}</p></header>
    <${Analysis} analysis=${analysis} signal=${signal} /><${Sources} sources=${sources ?? []} />
    <${Panel} title="Text" actions=${html`<span class="quiet num">${count(article.text_chars)} characters</span>`}><p class="article-text">${article.text || 'No text is left after cleaning.'}</p><//>
    <${Panel} title="Attempts"><${Table} label="Attempts" columns=${ATTEMPTS} rows=${attempts ?? []} empty="Nobody has tried to analyse it yet." /><//>
    <${Panel} title="Spending"><${Table} label="Spending" columns=${SPEND} rows=${spend ?? []} empty="It has cost nothing." /><//></article>`}<//>`;
}

const PUBLISHERS = [
  { name: 'Publisher', cell: (row) => html`<b>${row.publisher || 'unknown'}</b> ${row.priority ? html`<${Badge} tone="info" title="articles.publishers_first">first<//>` : null}` },
  { name: 'Articles', num: true, cell: (row) => count(row.articles) },
  { name: 'Ready', num: true, cell: (row) => count(row.ready) },
  { name: 'Analysed', num: true, cell: (row) => count(row.analyzed) },
  { name: 'Deferred', num: true, cell: (row) => count(row.deferred) },
  { name: 'Failed', num: true, cell: (row) => count(row.failed) },
  { name: 'Cost', num: true, cell: (row) => usd(row.cost_usd) },
  { name: 'Newest', num: true, cell: (row) => html`<${Age} time=${row.newest_at} />` },
];

/** What stands beside the list while no article is open. */
const Publishers = ({ resource }) => html`<${Panel} title="Publishers"><${Loaded} resource=${resource} what="publishers">${(data) => html`<${Table} label="Publishers" columns=${PUBLISHERS} rows=${data.publishers} id=${(row) => row.publisher} empty="No article has come yet." />`}<//><//>`;

export function Articles({ route }) {
  const { tab: tabName = 'ready', publisher = '' } = route.query;
  const tab = TABS.find((one) => one.value === tabName) ?? TABS[0];
  const [text, setText] = useState(route.query.q ?? '');
  const q = useSettled(text.trim());
  const publishers = useResource('/api/publishers', { poll: 60_000 });
  const id = route.parts[0];
  const query = { tab: tab.value === 'ready' ? '' : tab.value, publisher, q };
  const set = (changes) => replaceQuery({ ...query, ...changes });
  useEffect(() => {
    if (q !== (route.query.q ?? '')) set({ q });
  }, [q]);
  useEffect(() => {
    // The address changed by a link, not by typing.
    if ((route.query.q ?? '') !== q) setText(route.query.q ?? '');
  }, [route.query.q]);
  const all = publishers.data?.publishers ?? [];
  const sum = (name) => count(all.reduce((total, one) => total + (one[name] ?? 0), 0));
  const sums = { ready: 'ready', analyzed: 'analyzed', deferred: 'deferred', failed: 'failed', screened: 'screened', all: 'articles' };
  const tabs = TABS.map(({ value, text: name }) => ({ value, text: name, hint: publishers.data ? sum(sums[value]) : undefined }));
  // Articles without a publisher cannot be asked for: an empty one is all of them.
  const options = [['', 'All publishers'], ...all.filter((one) => one.publisher).map((one) => [one.publisher, `${one.publisher} (${count(one.articles)})`])];
  return html`<${Heading} title="Articles" /><div class=${id ? 'master open' : 'master'}><div class="panel master-list">
      <div class="filters slim"><${Choice} label="Articles" value=${tab.value} options=${tabs} onChange=${(value) => set({ tab: value === 'ready' ? '' : value })} /></div>
      <form class="filters" role="search" aria-label="Filter articles" onSubmit=${(event) => event.preventDefault()}>
        <label class="field grow"><span>Title</span><input type="search" name="q" value=${text} placeholder="Part of the title" onInput=${(event) => setText(event.target.value)} /></label>
        <${Select} name="publisher" label="Publisher" value=${publisher} options=${options} onChange=${(value) => set({ publisher: value })} /></form>
      <${List} tab=${tab} publisher=${publisher} q=${q} query=${query} current=${id} /></div>
    <section class="master-detail" id="detail" tabindex="-1" aria-label=${id ? 'Article' : undefined}>${id ? html`<${Article} key=${id} id=${id} query=${query} />` : html`<${Publishers} resource=${publishers} />`}</section></div>`;
}
