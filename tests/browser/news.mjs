// The walk over sessions and articles: what is bought, what it costs, what came of it.

import { join } from 'node:path';

import { faintTexts } from './checks.mjs';
import { DESKTOP, JOB_MS_MAX, NoData, PHONE, Skip, demand, need, open, options, pressed, settled, tab, whole } from './stage.mjs';

export async function dryRun() {
  await open('#/sessions', 'Sessions');
  if (!(await tab.has('#start-session'))) throw new Skip('only admins start sessions');
  await tab.click('#start-session');
  await tab.type('dialog input[name=limit]', '10');
  await tab.type('dialog input[name=budget]', '0.05');
  const sent = await tab.sending('/api/sessions?dry_run', () => tab.expecting([{ status: 409, part: '/api/sessions' }], async () => {
    await tab.click('dialog button[type=submit]');
    await tab.until('the estimate', () => document.querySelector('dialog .estimate, dialog .failure'));
  }));
  demand(sent.length === 1 && sent[0].key === null, 'an estimate takes the key of a start');
  if (options.shots) await tab.screenshot(join(options.shots, 'desktop-dry-run.png'));
  const faint = await tab.evaluate(faintTexts);
  demand(!faint.length, `too faint: ${faint.join('; ')}`);
  const budget = await tab.evaluate(() => document.querySelector('dialog .estimate')?.textContent.includes('of $0.05') ?? true);
  demand(budget, 'the estimate is of another budget than was typed');
  const refused = await tab.text('dialog .failure');
  if (refused) {
    await tab.click('dialog [aria-label=Close]');
    throw new NoData(`article that is ready: ${refused}`);
  }
}

export async function startSession() {
  need(await tab.has('dialog .estimate'), 'estimate');
  // A session that nobody has seen is not found until its first article.
  const sent = await tab.sending('/api/sessions', () => tab.expecting([{ status: 404, part: '/api/sessions/' }], async () => {
    await tab.cutOff(async () => {
      await tab.click('dialog button.primary', 'Start');
      await tab.until('the failure to be told', () => document.querySelector('dialog .failure'));
    });
    await tab.click('dialog button.primary', 'Start');
    await tab.until('the new session', () => /^#\/sessions\/./.test(location.hash) && !document.querySelector('dialog[open]'));
    await tab.until('the session to have the focus', () => document.activeElement.id === 'detail');
    await tab.until('its budget', () => document.querySelector('.bars'), [], JOB_MS_MAX);
  }));
  const keys = sent.filter(({ method, path }) => method === 'POST' && path === '/api/sessions').map(({ key }) => key);
  demand(keys.length === 2 && keys[0] && keys[0] === keys[1], `asked again, it is another session: ${keys}`);
}

/** Presses a session's button, confirms, and waits for what the server makes of it. */
export async function command(verb, wanted) {
  await open('#/sessions', 'Sessions');
  const id = await tab.evaluate((one) => {
    const card = [...document.querySelectorAll('.session')].find((each) => [...each.querySelectorAll('button')].some((button) => button.textContent === one && !button.disabled));
    return card?.querySelector('h2 a').textContent ?? null;
  }, verb);
  need(id, `session to ${verb.toLowerCase()}`);
  await tab.evaluate((one) => [...document.querySelectorAll('.session h2 a')].find((link) => link.textContent === one).click(), id);
  await tab.until('the session', (one) => document.querySelector('#detail .panel h2')?.textContent === one, [id]);
  await tab.click('#detail .panel button', verb);
  await tab.click('dialog .dialog-body button:last-child');
  await tab.until('the answer', () => document.querySelector('.said')?.textContent.length > 3);
  await tab.until(`the session to be ${wanted}`, (one) => {
    const status = document.querySelector('#detail .panel .badge')?.textContent;
    return status && (one === 'cancelled') === (status === 'cancelled');
  }, [wanted], JOB_MS_MAX);
  return id;
}

export async function articles() {
  await open('#/articles', 'Articles');
  for (const name of ['Analysed', 'Deferred', 'Failed', 'Screened', 'All', 'Queue']) {
    await tab.click('main .choice button', name);
    await pressed(name);
    await settled();
  }
  await tab.click('main .choice button', 'All');
  await settled();
  const publisher = await tab.evaluate(() => document.querySelector('select[name=publisher]').options[1]?.value);
  need(publisher, 'publisher');
  await tab.choose('select[name=publisher]', publisher);
  await tab.until('its articles', (one) => {
    const all = [...document.querySelectorAll('.item .facts b')];
    return all.length && all.every((name) => name.textContent === one);
  }, [publisher]);
  await tab.choose('select[name=publisher]', '');
  await settled();
  await tab.type('input[name=q]', 'no such words anywhere');
  await tab.until('the empty state', () => document.querySelector('.master-list .empty'));
  await tab.type('input[name=q]', '');
  await tab.until('articles again', () => document.querySelector('.item'));
}

/** Articles that stand so, on a page that is opened anew: nothing of another list is left on it. */
async function list(status, name) {
  await open('#/sessions', 'Sessions');
  await open(`#/articles?tab=${status}`, 'Articles');
  await pressed(name);
  await settled();
  need(await tab.has('.item a'), `article among ${name}`);
}

export async function article() {
  await list('analyzed', 'Analysed');
  await tab.click('.item a');
  await tab.until('the article', () => document.querySelector('.article-text'));
  await tab.until('the article to have the focus', () => document.activeElement.id === 'detail');
  await settled();
  const links = await tab.evaluate(() => [...document.querySelectorAll('main a[target]')].map((a) => `${a.protocol} ${a.rel}`));
  demand(links.every((one) => /^https?: .*noopener/.test(one)), `unsafe links: ${links}`);
  await whole('desktop-article');
}

/** Where the list gives way to the article, whoever opens one from the depth of the list stands before it. */
export async function articleOnPhone() {
  await tab.size(...PHONE, true);
  try {
    await list('all', 'All');
    const last = await tab.evaluate(() => [...document.querySelectorAll('.item a')].at(-1).textContent);
    await tab.click('.item a', last);
    await tab.until('the article', () => document.querySelector('.article-text'));
    await tab.until('the article to be in sight, with the focus', () => {
      const { top } = document.getElementById('detail').getBoundingClientRect();
      return document.activeElement.id === 'detail' && top >= 0 && top < innerHeight / 2;
    });
    await tab.click('#detail .back');
    // What had the focus is gone: it is not lost.
    await tab.until('the list', () => document.querySelector('.item a')?.checkVisibility() && document.activeElement.id === 'main');
  } finally {
    await tab.size(...DESKTOP);
  }
}

/** Whoever types goes on typing when an article is opened elsewhere, by the browser's history for example. */
export async function typing() {
  await list('all', 'All');
  await tab.evaluate(() => {
    document.querySelector('input[name=q]').focus();
    location.hash = document.querySelector('.item a').hash;
  });
  await tab.until('the article', () => document.querySelector('.article-text'));
  demand((await tab.evaluate(() => document.activeElement.name)) === 'q', 'the field that is typed in loses the focus');
}
