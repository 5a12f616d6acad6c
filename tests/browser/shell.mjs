// The walk over what all pages share: who is there, the theme, the keyboard, outages, and how streams are followed.

import { join } from 'node:path';

import { Skip, base, demand, open, options, settled, tab } from './stage.mjs';
import { boardRows } from './markets.mjs';

export async function signIn() {
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

export async function paints() {
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

export async function numbers() {
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

export async function keyboard() {
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

export async function themes() {
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
export async function outage() {
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

/** A page that asks for nothing. */
async function nowhere() {
  await tab.evaluate(() => {
    location.hash = '#/nowhere';
  });
  await tab.until('the word', () => document.querySelector('main .empty a'));
}

export async function unknown() {
  await nowhere();
  demand((await tab.text('main .empty')).includes('no such page'), 'it says something else');
}

/** A stream that falls silent, ends, or is not looked at is taken up after its last event; 204 ends it. */
export async function streams() {
  await nowhere();
  const told = await tab.evaluate(async () => {
    const { follow } = await import('/assets/api.js');
    const [fetchOfPage, timer] = [window.fetch, window.setTimeout];
    const log = [];
    const bytes = new TextEncoder();
    const look = (hidden) => {
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
      document.dispatchEvent(new Event('visibilitychange'));
    };
    const acts = [
      (out) => out.enqueue(bytes.encode('id: 7\ndata: {"n":1}\n\n')),
      (out) => (out.enqueue(bytes.encode(': alive\n\nid: 8\ndata: {"n":2}\n\n')), out.close()),
      () => (look(true), timer(() => (log.push('seen'), look(false)), 100)),
    ];
    // Seconds pass as milliseconds.
    window.setTimeout = (run, ms, ...rest) => timer(run, ms / 1000, ...rest);
    window.fetch = async (path, { headers, signal }) => {
      log.push(`ask ${headers.get('Last-Event-ID')}`);
      const act = acts.shift();
      if (!act) return new Response(null, { status: 204 });
      return new Response(new ReadableStream({
        start(out) {
          signal.addEventListener('abort', () => out.desiredSize === null || out.error(signal.reason));
          act(out);
        },
      }));
    };
    try {
      const signal = AbortSignal.timeout(10_000);
      await follow('/nowhere', { signal, onEvent: (_, { n }) => void log.push(`event ${n}`), onState: (error) => log.push(error?.code ?? 'live') });
      log.push(signal.aborted ? 'hangs' : 'over');
    } finally {
      [window.fetch, window.setTimeout] = [fetchOfPage, timer];
      delete document.hidden;
    }
    return log;
  });
  const wanted = ['ask null', 'live', 'event 1', 'silent', 'ask 7', 'live', 'event 2', 'stream_ended', 'ask 8', 'live', 'seen', 'ask 8', 'live', 'over'];
  demand(told.join() === wanted.join(), `it went otherwise: ${told.join(', ')}`);
}

/** A token that is good no more is told once, and nothing is asked with it again; another one opens the page anew. */
export async function lostToken() {
  if (!(await tab.has('#sign-out'))) throw new Skip('this server wants no token');
  await open('#/articles', 'Articles');
  await open('#/signals', 'Signals');
  await tab.expecting([{ status: 401, part: '/' }], async () => {
    await tab.evaluate(() => sessionStorage.setItem('signalmill.token', 'good no more'));
    await tab.until('the page to ask for a token', () => document.querySelector('dialog[open] input[name=token]'));
    demand((await tab.evaluate(() => sessionStorage.length)) === 0, 'the token is kept');
    await tab.press('Escape');
    await tab.until('the dialog to be gone', () => !document.querySelector('dialog[open]'));
    demand(await tab.evaluate(() => !document.querySelector('main .board, main .stale, main .failure') && !document.querySelector('.who')), 'the page is still there');
  });
  await tab.click('main .empty button', 'Sign in');
  await tab.type('dialog input[name=token]', options.token);
  await tab.click('dialog button.primary');
  await tab.until('the page', () => !document.querySelector('dialog[open]') && document.querySelector('.who') && document.querySelector('main h1'));
  await settled();
}

export async function signOut() {
  if (!(await tab.has('#sign-out'))) throw new Skip('this server wants no token');
  await tab.expecting([{ status: 401, part: '/' }], async () => {
    await tab.click('#sign-out');
    await tab.until('the dialog', () => document.querySelector('dialog[open] input[name=token]'));
    demand((await tab.evaluate(() => sessionStorage.length)) === 0, 'the token is kept');
  });
}
