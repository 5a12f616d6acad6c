// Walks every page of a running signalmill in a real browser, does every action, and looks at it in both themes and two sizes.
//
//   node tests/browser/walk.mjs --base http://127.0.0.1:8080 [--token TOKEN] [--chromium PATH] [--shots DIR]
//                               [--expect-data] [--paint-ms-max 500]
//
// Needs Node 20 and Debian's package `chromium`. Fails on an uncaught exception, an error on the console, a request that failed,
// a missing landmark, faint text, or anything wider than a phone. What needs data that is not there is skipped with a word, and
// fails with `--expect-data`. The last line is `N passed, M failed, K skipped`.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { Browser, sleep } from './cdp.mjs';
import { faintTexts, missingLandmarks, overflowing } from './checks.mjs';

const { values: options } = parseArgs({
  options: {
    base: { type: 'string' },
    token: { type: 'string', default: '' },
    chromium: { type: 'string', default: 'chromium' },
    shots: { type: 'string' },
    'expect-data': { type: 'boolean', default: false },
    'paint-ms-max': { type: 'string', default: '500' },
  },
});
if (!options.base) {
  console.error('which server? --base http://127.0.0.1:8080');
  process.exit(2);
}
const base = options.base.replace(/\/$/, '');
if (options.shots) mkdirSync(options.shots, { recursive: true });

const DESKTOP = [1440, 900];
const PHONE = [390, 844];
/** A job that takes longer has failed. */
const JOB_MS_MAX = 60_000;
/** Attempts to cancel a job before it is done. */
const CANCELS_MAX = 6;

class Skip extends Error {}
/** No data for it: a failure where data was promised. */
class NoData extends Skip {}

const counts = { passed: 0, failed: 0, skipped: 0 };
const browser = await Browser.start(options.chromium).catch((error) => {
  console.log(`FAIL   ${error.message} (apt-get install chromium, or --chromium PATH)\n0 passed, 1 failed, 0 skipped`);
  process.exit(1);
});
const tab = await browser.tab();

async function step(name, act) {
  tab.problems.length = 0;
  try {
    const said = await act();
    await sleep(30);
    if (tab.problems.length) throw new Error(tab.problems.join('\n       '));
    counts.passed += 1;
    console.log(`ok     ${name}${said ? ` (${said})` : ''}`);
  } catch (error) {
    const lenient = error instanceof Skip && !(error instanceof NoData && options['expect-data']) && !tab.problems.length;
    counts[lenient ? 'skipped' : 'failed'] += 1;
    const problems = tab.problems.filter((problem) => !error.message.includes(problem));
    console.log(`${lenient ? 'skip  ' : 'FAIL  '} ${name}: ${[error.message, ...problems].join('\n       ')}`);
    if (!lenient && options.shots) await tab.screenshot(join(options.shots, `failed-${counts.failed}.png`)).catch(() => {});
    // A dialog that was left open would stand in the way of every later step.
    await tab.evaluate(() => document.querySelectorAll('dialog[open]').forEach((dialog) => dialog.close())).catch(() => {});
  }
}

const need = (there, what) => {
  if (!there) throw new NoData(`there is no ${what}`);
};
const demand = (holds, what) => {
  if (!holds) throw new Error(what);
};

/** Opens a page by its address, and waits until nothing on it loads. */
async function open(hash, heading) {
  await tab.evaluate((one) => {
    location.hash = one;
  }, hash);
  await tab.until(`the heading ${heading}`, (one) => document.querySelector('main h1')?.textContent.includes(one), [heading]);
  await settled();
}
const settled = () => tab.until('everything to be loaded', () => !document.querySelector('main .skeleton'));
const lines = () => tab.evaluate(() => [...document.querySelectorAll('.board .line')].map((row) => [...row.cells].map((cell) => cell.textContent.trim())));
const boardRows = () => tab.evaluate(() => Number(document.querySelector('.board table')?.getAttribute('aria-rowcount') ?? 1) - 1);
const pressed = (text) => tab.until(`${text} to be pressed`, (one) => [...document.querySelectorAll('button[aria-pressed=true]')].some((button) => button.textContent.includes(one)), [text]);

async function whole(name) {
  demand(!(await tab.has('main .failure')), `an error is shown: ${await tab.text('main .failure')}`);
  for (const [what, check] of [['missing', missingLandmarks], ['too faint', faintTexts], ['too wide', overflowing]]) {
    const found = await tab.evaluate(check);
    demand(!found.length, `${what}: ${found.join('; ')}`);
  }
  if (options.shots) await tab.screenshot(join(options.shots, `${name}.png`));
}

async function signIn() {
  const me = await tab.until('the server to say who is there', async () => (await fetch('/api/whoami')).json());
  if (!me.tokens) throw new Skip('this server wants no token');
  demand(options.token, 'the server wants a token: --token');
  await tab.until('the dialog', () => document.querySelector('dialog[open] input[name=token]'));
  if (options.shots) await tab.screenshot(join(options.shots, 'sign-in.png'));
  await tab.expecting([{ status: 401, part: '/' }], async () => {
    await tab.type('dialog input[name=token]', 'wrong-token');
    await tab.click('dialog button.primary');
    await tab.until('the wrong token to be refused', () => document.querySelector('dialog .failure'));
  });
  await tab.type('dialog input[name=token]', options.token);
  await tab.click('dialog button.primary');
  await tab.until('the user', () => !document.querySelector('dialog[open]') && document.querySelector('.who'));
}

async function paints() {
  const times = [];
  for (let turn = 0; turn < 3; turn += 1) {
    await tab.load('about:blank');
    await tab.load(`${base}/#/signals`);
    const paint = await tab.until('the first paint', () => performance.getEntriesByName('first-contentful-paint')[0]?.startTime);
    await settled();
    const board = await tab.evaluate(() => performance.getEntriesByName('board')[0]?.startTime ?? null);
    times.push([paint, board]);
  }
  const [paint, board] = times.sort(([a], [b]) => a - b)[0];
  demand(paint <= Number(options['paint-ms-max']), `the first paint took ${paint.toFixed(0)} ms`);
  return `first paint ${paint.toFixed(0)} ms${board === null ? '' : `, ${await boardRows()} signals shown after ${board.toFixed(0)} ms`}`;
}

async function sorts() {
  need(await tab.has('.board'), 'signal');
  for (const [header, column] of [['Symbol', 0], ['Confidence', 5], ['Score', 4]]) {
    await tab.click('.board th button', header);
    const first = await tab.until(`${header} to be sorted`, (one) => {
      const th = [...document.querySelectorAll('.board th')].find((each) => each.textContent.includes(one));
      return ['ascending', 'descending'].includes(th?.ariaSort) && th.ariaSort;
    }, [header]);
    const texts = (await lines()).map((cells) => cells[column]);
    const numbers = texts.map((text) => parseFloat(text));
    const values = numbers.some(Number.isNaN) ? texts : numbers;
    const wrong = values.slice(1).some((value, index) => (first === 'ascending' ? value < values[index] : value > values[index]));
    demand(!wrong || header === 'Symbol', `${header} is not ${first}: ${texts.slice(0, 8)}`);
    await tab.click('.board th button', header);
    await tab.until(`${header} to be turned over`, (one, before) => {
      const th = [...document.querySelectorAll('.board th')].find((each) => each.textContent.includes(one));
      return ['ascending', 'descending'].includes(th?.ariaSort) && th.ariaSort !== before;
    }, [header, first]);
  }
}

async function filters() {
  need(await tab.has('.board'), 'signal');
  const all = await boardRows();
  const [symbol] = await tab.evaluate(() => [document.querySelector('.board .line .cover').textContent]);
  await tab.type('input[name=q]', symbol);
  await tab.until('the text to filter', (one) => [...document.querySelectorAll('.board .line .cover')].every((row) => row.textContent.includes(one)), [symbol]);
  demand((await boardRows()) <= all, 'a filter shows more');
  await tab.type('input[name=q]', 'no such symbol anywhere');
  await tab.until('the empty state', () => document.querySelector('.empty'));
  await tab.click('button', 'Clear filters');
  await tab.until('all of them again', (one) => Number(document.querySelector('.board table')?.ariaRowCount) - 1 >= one - 1, [all]);
  for (const name of ['exchange', 'interval', 'strategy', 'oi']) {
    const value = await tab.evaluate((one) => document.querySelector(`select[name=${one}]`).options[1]?.value, name);
    if (!value) continue;
    await tab.choose(`select[name=${name}]`, value);
    await tab.until(`${name} to stand in the address`, (one) => location.hash.includes(`${one}=`), [name]);
    await tab.choose(`select[name=${name}]`, '');
  }
  await tab.click('button', 'Bullish');
  await pressed('Bullish');
  await tab.until('only bullish ones', () => [...document.querySelectorAll('.board .line .direction')].every((cell) => cell.textContent === 'Bullish'));
  await tab.click('button', 'All');
  await tab.choose('input[name=min]', '60');
  await tab.until('only high scores', () => [...document.querySelectorAll('.board .line .score b')].every((cell) => parseFloat(cell.textContent) >= 60));
  await tab.choose('input[name=min]', '0');
  return `${all} signals`;
}

async function scrolls() {
  need(await tab.has('.board'), 'signal');
  const all = await boardRows();
  const drawn = await tab.evaluate(() => document.querySelectorAll('.board .line').length);
  demand(drawn <= 120, `${drawn} rows exist at once`);
  await tab.evaluate(() => {
    const board = document.querySelector('.board');
    board.scrollTop = board.scrollHeight;
  });
  await tab.until('the last row', (last) => [...document.querySelectorAll('.board .line')].some((row) => row.ariaRowIndex === String(last)), [all + 1]);
}

async function instrument() {
  await open('#/signals', 'Signals');
  need(await tab.has('.board .line a'), 'signal');
  await tab.click('.board .line a');
  await tab.until('the chart', () => location.hash.startsWith('#/instrument/') && document.querySelector('.chart canvas'));
  await settled();
  demand(await tab.has('.chart a[href*="tradingview"]'), 'the chart lacks its attribution');
  for (const part of ['Trendlines', 'Levels', 'Patterns', 'Signals']) {
    await tab.click('.chart-head button', part);
    await tab.click('.chart-head button', part);
    await pressed(part);
  }
  await tab.click('.chart-head button', 'All bars');
  await tab.send('Input.dispatchMouseEvent', { type: 'mouseMoved', ...(await tab.place('.chart')) });
  return tab.text('main h1');
}

async function analyse() {
  need(await tab.has('#analyse'), 'instrument');
  await tab.click('#analyse');
  await tab.until('the form to be filled', () => document.querySelector('#job-form input[name=symbol]')?.value);
}

const jobStatus = () => document.querySelector('main .stack .panel .badge')?.textContent;

async function startJob() {
  await tab.click('#job-form button.primary');
  await tab.until('the job to be shown', () => /^#\/jobs\/./.test(location.hash) && document.querySelector('main .stack .panel .badge'));
}

async function job() {
  need(await tab.evaluate(() => document.querySelector('#job-form input[name=symbol]')?.value), 'instrument to analyse');
  await startJob();
  const status = await tab.until('the job to be final', `() => { const status = (${jobStatus})(); return ['completed', 'failed'].includes(status) && status; }`, [], JOB_MS_MAX);
  demand(status === 'completed', `the job ${status}: ${await tab.text('main .failure')}`);
  await tab.until('the chart’s picture', () => document.querySelector('img.picture')?.naturalWidth > 0);
  const before = await tab.evaluate(() => document.querySelector('img.picture').src);
  await tab.click('#theme');
  await tab.until('the picture in the other theme', (old) => {
    const image = document.querySelector('img.picture');
    return image && image.src !== old && image.naturalWidth > 0;
  }, [before]);
  await tab.click('#theme');
  await tab.until('the first theme again', () => document.querySelector('img.picture')?.naturalWidth > 0);
  await whole('desktop-job');
}

/** A job may be done before anybody can cancel it: then another one is tried. */
async function cancelJob() {
  need(await tab.evaluate(() => document.querySelector('#job-form input[name=symbol]')?.value), 'instrument to analyse');
  await tab.choose('#job-form select[name=timeframe]', '365d');
  for (let turn = 0; turn < CANCELS_MAX; turn += 1) {
    const before = await tab.evaluate(() => location.hash);
    await tab.click('#job-form button.primary');
    await tab.until('the next job', (old) => /^#\/jobs\/./.test(location.hash) && location.hash !== old && document.querySelector('main .stack .panel .badge'), [before]);
    const ended = await tab.expecting([{ status: 409, part: '/analysis/cancel/' }], async () => {
      if (!(await tab.has('#cancel-job'))) return false;
      await tab.evaluate(() => document.querySelector('#cancel-job')?.click());
      const asked = await tab.until('the question', () => {
        if (document.querySelector('dialog[open]')) return 'open';
        return document.querySelector('#cancel-job') ? null : 'too late';
      });
      if (asked !== 'open') return false;
      await tab.click('dialog button.danger');
      return tab.until('the job to be final', `() => { const status = (${jobStatus})(); return ['cancelled', 'completed', 'failed'].includes(status) && status; }`, [], JOB_MS_MAX);
    });
    if (ended === 'cancelled') return undefined;
    await tab.evaluate(() => document.querySelector('dialog[open]')?.close());
  }
  throw new Skip(`${CANCELS_MAX} jobs were done before they could be cancelled`);
}

async function jobList() {
  await open('#/jobs', 'Jobs');
  for (const status of ['Completed', 'Cancelled', 'All']) {
    await tab.click('main .choice button', status);
    await pressed(status);
    await settled();
  }
}

async function dryRun() {
  await open('#/sessions', 'Sessions');
  if (!(await tab.has('#start-session'))) throw new Skip('only admins start sessions');
  await tab.click('#start-session');
  await tab.type('dialog input[name=limit]', '10');
  await tab.type('dialog input[name=budget]', '0.05');
  await tab.expecting([{ status: 409, part: '/api/sessions' }], async () => {
    await tab.click('dialog button[type=submit]');
    await tab.until('the estimate', () => document.querySelector('dialog .estimate, dialog .failure'));
  });
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

async function startSession() {
  need(await tab.has('dialog .estimate'), 'estimate');
  // A session that nobody has seen is not found until its first article.
  await tab.expecting([{ status: 404, part: '/api/sessions/' }], async () => {
    await tab.click('dialog button.primary', 'Start');
    await tab.until('the new session', () => /^#\/sessions\/./.test(location.hash) && !document.querySelector('dialog[open]'));
    await tab.until('its budget', () => document.querySelector('.bars'), [], JOB_MS_MAX);
  });
}

/** Presses a session's button, confirms, and waits for what the server makes of it. */
async function command(verb, wanted) {
  await open('#/sessions', 'Sessions');
  const id = await tab.evaluate((one) => {
    const card = [...document.querySelectorAll('.session')].find((each) => [...each.querySelectorAll('button')].some((button) => button.textContent === one && !button.disabled));
    return card?.querySelector('h2 a').textContent ?? null;
  }, verb);
  need(id, `session to ${verb.toLowerCase()}`);
  await tab.evaluate((one) => [...document.querySelectorAll('.session h2 a')].find((link) => link.textContent === one).click(), id);
  await tab.until('the session', (one) => document.querySelector('main .panel h2')?.textContent === one, [id]);
  await tab.click('main .panel button', verb);
  await tab.click('dialog .dialog-body button:last-child');
  await tab.until('the answer', () => document.querySelector('.said')?.textContent.length > 3);
  await tab.until(`the session to be ${wanted}`, (one) => {
    const status = document.querySelector('main .panel .badge')?.textContent;
    return status && (one === 'cancelled') === (status === 'cancelled');
  }, [wanted], JOB_MS_MAX);
  return id;
}

async function articles() {
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

async function article() {
  await open('#/articles?tab=analyzed', 'Articles');
  await pressed('Analysed');
  await settled();
  need(await tab.has('.item a'), 'analysed article');
  await tab.click('.item a');
  await tab.until('the article', () => document.querySelector('.article-text'));
  await settled();
  const links = await tab.evaluate(() => [...document.querySelectorAll('main a[target]')].map((a) => `${a.protocol} ${a.rel}`));
  demand(links.every((one) => /^https?: .*noopener/.test(one)), `unsafe links: ${links}`);
  await whole('desktop-article');
}

async function numbers() {
  const wrong = await tab.evaluate(async () => {
    const { ago, duration, price, usd } = await import('/assets/format.js');
    const now = Date.UTC(2026, 0, 2);
    return [
      [price(1e-9), '0.000000001000'], [price(0.0000178), '0.00001780'], [price(0.5), '0.5000'], [price(4.51631), '4.5163'], [price(64210.5), '64,210.50'],
      [price(1e6), '1,000,000.00'], [price(null), '–'], [price(0), '0.00'], [usd(0.3), '$0.30'], [usd(0.0001234), '$0.000123'], [usd(12.5), '$12.50'], [usd(4e8), '$400M'], [usd(undefined), '–'],
      [duration(59), '59 s'], [duration(3600), '1 h'], [ago(now - 90_000, now), '1 min ago'], [ago('2026-01-01T00:00:00Z', now), '1 d ago'], [ago('nonsense', now), '–'],
    ].filter(([is, wanted]) => is !== wanted).map(([is, wanted]) => `${is} is not ${wanted}`);
  });
  demand(!wrong.length, wrong.join('; '));
}

async function keyboard() {
  await open('#/signals', 'Signals');
  await tab.evaluate(() => document.activeElement?.blur());
  await tab.load(`${base}/#/signals`);
  await settled();
  await tab.press('Tab');
  demand((await tab.evaluate(() => document.activeElement.className)) === 'skip', 'the first stop is not the skip link');
  await tab.press('Enter');
  await tab.until('the content to have the focus', () => document.activeElement.id === 'main');
  await tab.press('Tab');
  const outline = await tab.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  demand(outline !== 'none', 'the focus is not to be seen');
}

async function themes() {
  const theme = () => tab.evaluate(() => document.documentElement.dataset.theme);
  const before = await theme();
  await tab.click('#theme');
  demand((await theme()) !== before, 'the theme does not change');
  await tab.load(`${base}/#/signals`);
  demand((await theme()) !== before, 'the theme is not remembered');
  await settled();
  await tab.click('#theme');
  demand((await theme()) === before, 'the theme does not change back');
}

/** Old data stays and says that it is old, new data says what happened, and both come back. */
async function outage() {
  await open('#/jobs', 'Jobs');
  await open('#/signals', 'Signals');
  await tab.cutOff(async () => {
    await tab.until('the board to say that it is stale', () => document.querySelector('main .stale button'));
    if (options.shots) await tab.screenshot(join(options.shots, 'desktop-stale.png'));
    await tab.evaluate(() => {
      location.hash = '#/articles';
    });
    await tab.until('the articles to say what happened', () => document.querySelector('.master-list .failure button'));
    if (options.shots) await tab.screenshot(join(options.shots, 'desktop-unreachable.png'));
  });
  await tab.click('.master-list .failure button');
  await tab.until('the articles to be there', () => document.querySelector('.master-list .item, .master-list .empty'));
}

async function instrumentHash() {
  await open('#/signals', 'Signals');
  return tab.evaluate(() => document.querySelector('.board .line a')?.getAttribute('href') ?? null);
}

/** Every page in one theme and size. */
async function look(name, theme, [width, height], phone, places) {
  await tab.size(width, height, phone);
  await tab.evaluate((one) => window.signalmillTheme.choose(one), theme);
  for (const [page, hash, heading] of places) {
    await step(`${name} ${theme}: ${page}`, async () => {
      need(hash, page);
      await open(hash, heading);
      await tab.until('pictures', () => [...document.images].every((image) => image.complete));
      if (await tab.has('.board .line')) await tab.until('the spark lines', () => document.querySelector('.spark polyline'));
      // What was just drawn: canvases follow in the next frames.
      await tab.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
      await whole(`${name}-${theme}-${page}`);
    });
  }
}

async function walk() {
  await tab.size(...DESKTOP);
  await tab.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: 'dark' }] });
  await tab.load(`${base}/`);
  await step('sign in', signIn);
  const me = await tab.until('who is there', () => document.querySelector('.who'));
  if (!me) return;
  await step('first paint', paints);
  await step('numbers as people read them', numbers);
  await step('keyboard', keyboard);
  await step('switch the theme', themes);
  await step('sort the board', sorts);
  await step('filter the board', filters);
  await step('scroll the board', scrolls);
  await step('open an instrument', instrument);
  await step('analyse an instrument', analyse);
  await step('start a job and wait for it', job);
  const jobHash = await tab.evaluate(() => (/^#\/jobs\/./.test(location.hash) ? location.hash : null));
  await step('cancel a job', cancelJob);
  await step('filter the jobs', jobList);
  // First of all, as what a cancelled session lets go of is ready for another.
  await step('cancel a session', () => command('Cancel', 'cancelled'));
  await step('dry run of a session', dryRun);
  await step('start a session', startSession);
  await step('recover a session', () => command('Recover', 'recovered'));
  await step('filter the articles', articles);
  await step('open an article', article);
  const articleHash = await tab.evaluate(() => (/^#\/articles\/./.test(location.hash) ? location.hash : null));
  await step('an outage is told and passes', outage);
  await step('an unknown page says so', async () => {
    await tab.evaluate(() => {
      location.hash = '#/nowhere';
    });
    await tab.until('the word', () => document.querySelector('main .empty a'));
  });
  const instrumentAt = await instrumentHash();
  await open('#/sessions', 'Sessions');
  const sessionHash = await tab.evaluate(() => document.querySelector('.session h2 a')?.getAttribute('href') ?? null);
  const admin = await tab.evaluate(async (token) => (await fetch('/api/whoami', token ? { headers: { Authorization: `Bearer ${token}` } } : {})).json().then((one) => one.admin), options.token);
  const places = [
    ['signals', '#/signals', 'Signals'],
    ['instrument', instrumentAt, ''],
    ['articles', '#/articles', 'Articles'],
    ['article', articleHash, 'Articles'],
    ['sessions', '#/sessions', 'Sessions'],
    ['session', sessionHash, 'Sessions'],
    ['jobs', '#/jobs', 'Jobs'],
    ['job', jobHash, 'Jobs'],
    ...(admin ? [['system', '#/system', 'System']] : []),
  ];
  for (const theme of ['dark', 'light']) {
    await look('desktop', theme, DESKTOP, false, places);
    await look('phone', theme, PHONE, true, places);
  }
  await tab.size(...DESKTOP);
  await step('sign out', async () => {
    if (!(await tab.has('#sign-out'))) throw new Skip('this server wants no token');
    await tab.expecting([{ status: 401, part: '/' }], async () => {
      await tab.click('#sign-out');
      await tab.until('the dialog', () => document.querySelector('dialog[open] input[name=token]'));
      demand((await tab.evaluate(() => sessionStorage.length)) === 0, 'the token is kept');
    });
  });
}

try {
  await walk();
} catch (error) {
  counts.failed += 1;
  console.log(`FAIL   the walk ended early: ${error.message}`);
} finally {
  await browser.close();
}
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exit(counts.failed ? 1 : 0);
