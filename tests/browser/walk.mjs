// Walks every page of a running signalmill in a real browser, does every action, and looks at it in both themes and two sizes.
//
//   node tests/browser/walk.mjs --base http://127.0.0.1:8080 [--token TOKEN] [--chromium PATH] [--shots DIR]
//                               [--expect-data] [--paint-ms-max 500]
//
// Needs Node 20 and Debian's package `chromium`. Fails on an uncaught exception, an error on the console, a request that failed,
// a missing landmark, faint text, or anything wider than a phone. What needs data that is not there is skipped with a word, and
// fails with `--expect-data`. The last line is `N passed, M failed, K skipped`.

import { analyse, cancelJob, job, jobList } from './jobs.mjs';
import { chartKeys, filters, instrument, scrolls, seriesKeys, sorts } from './markets.mjs';
import { article, articleOnPhone, articles, command, dryRun, startSession, typing } from './news.mjs';
import { keyboard, lostToken, numbers, outage, paints, signIn, signOut, streams, themes, unknown } from './shell.mjs';
import { DESKTOP, PHONE, base, browser, counts, need, open, options, step, tab, whole } from './stage.mjs';

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
  await step('move the chart by keys', chartKeys);
  await step('go through derivatives by keys', seriesKeys);
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
  await step('open an article on a phone', articleOnPhone);
  await step('an article leaves the focus to who types', typing);
  await step('an outage is told and passes', outage);
  await step('an unknown page says so', unknown);
  await step('a stream that breaks is taken up', streams);
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
  await step('a token that is good no more', lostToken);
  await step('sign out', signOut);
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
