// What every step of the walk stands on: the options, the browser's tab, the counts, and what a page must hold.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { Browser, sleep } from './cdp.mjs';
import { faintTexts, missingLandmarks, overflowing } from './checks.mjs';

export const { values: options } = parseArgs({
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
export const base = options.base.replace(/\/$/, '');
if (options.shots) mkdirSync(options.shots, { recursive: true });

export const DESKTOP = [1440, 900];
export const PHONE = [390, 844];
/** A job that takes longer has failed. */
export const JOB_MS_MAX = 60_000;

export class Skip extends Error {}
/** No data for it: a failure where data was promised. */
export class NoData extends Skip {}

export const counts = { passed: 0, failed: 0, skipped: 0 };
export const browser = await Browser.start(options.chromium).catch((error) => {
  console.log(`FAIL   ${error.message} (apt-get install chromium, or --chromium PATH)\n0 passed, 1 failed, 0 skipped`);
  process.exit(1);
});
export const tab = await browser.tab();

export async function step(name, act) {
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

export const need = (there, what) => {
  if (!there) throw new NoData(`there is no ${what}`);
};
export const demand = (holds, what) => {
  if (!holds) throw new Error(what);
};

/** Opens a page by its address, and waits until nothing on it loads. */
export async function open(hash, heading) {
  await tab.evaluate((one) => {
    location.hash = one;
  }, hash);
  await tab.until(`the heading ${heading}`, (one) => document.querySelector('main h1')?.textContent.includes(one), [heading]);
  await settled();
}
export const settled = () => tab.until('everything to be loaded', () => !document.querySelector('main .skeleton'));
export const pressed = (text) => tab.until(`${text} to be pressed`, (one) => [...document.querySelectorAll('button[aria-pressed=true]')].some((button) => button.textContent.includes(one)), [text]);

export async function whole(name) {
  demand(!(await tab.has('main .failure')), `an error is shown: ${await tab.text('main .failure')}`);
  for (const [what, check] of [['missing', missingLandmarks], ['too faint', faintTexts], ['too wide', overflowing]]) {
    const found = await tab.evaluate(check);
    demand(!found.length, `${what}: ${found.join('; ')}`);
  }
  if (options.shots) await tab.screenshot(join(options.shots, `${name}.png`));
}
