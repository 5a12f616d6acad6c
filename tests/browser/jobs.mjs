// The walk over jobs: one is started, watched and looked at, another is cancelled, and the list is read to its end.

import { JOB_MS_MAX, Skip, demand, need, open, pressed, settled, tab, whole } from './stage.mjs';

/** Attempts to cancel a job before it is done. */
const CANCELS_MAX = 6;

/** The key of the last job that was started. */
let startedBy = null;

export async function analyse() {
  need(await tab.has('#analyse'), 'instrument');
  await tab.click('#analyse');
  await tab.until('the form to be filled', () => document.querySelector('#job-form input[name=symbol]')?.value);
}

const jobStatus = () => document.querySelector('#detail .panel .badge')?.textContent;

/** Presses the button with the server out of reach, and again: the server must take both for the same wish. */
async function startJob() {
  const sent = await tab.sending('/analyze/', async () => {
    await tab.cutOff(async () => {
      await tab.click('#job-form button.primary');
      await tab.until('the failure to be told', () => document.querySelector('#job-form + .failure'));
    });
    await tab.click('#job-form button.primary');
    await tab.until('the job to be shown', () => /^#\/jobs\/./.test(location.hash) && document.querySelector('#detail .panel .badge'));
  });
  demand(sent.length === 2 && sent[0].key && sent[0].key === sent[1].key, `asked again, it is another wish: ${JSON.stringify(sent)}`);
  await tab.until('the job to have the focus', () => document.activeElement.id === 'detail');
  return sent[0].key;
}

export async function job() {
  need(await tab.evaluate(() => document.querySelector('#job-form input[name=symbol]')?.value), 'instrument to analyse');
  startedBy = await startJob();
  const status = await tab.until('the job to be final', `() => { const status = (${jobStatus})(); return ['completed', 'failed'].includes(status) && status; }`, [], JOB_MS_MAX);
  demand(status === 'completed', `the job ${status}: ${await tab.text('main .failure')}`);
  await tab.until('the chart’s picture', () => document.querySelector('img.picture')?.naturalWidth > 0);
  const before = await tab.evaluate(() => document.querySelector('img.picture').src);
  const onItsWay = { status: 503, headers: { 'Retry-After': '1' }, body: { error: { code: 'chart_on_its_way', message: 'the chart is not stored yet' } } };
  await tab.answering('/analysis/chart/', [onItsWay], async () => {
    await tab.click('#theme');
    await tab.until('the picture to be on its way', () => document.querySelector('#detail .stale button'));
    await tab.until('the picture in the other theme', (old) => {
      const image = document.querySelector('img.picture');
      return image && image.src !== old && image.naturalWidth > 0;
    }, [before]);
  });
  await tab.click('#theme');
  await tab.until('the first theme again', () => document.querySelector('img.picture')?.naturalWidth > 0);
  await whole('desktop-job');
}

/** A job may be done before anybody can cancel it: then another one is tried. */
export async function cancelJob() {
  need(await tab.evaluate(() => document.querySelector('#job-form input[name=symbol]')?.value), 'instrument to analyse');
  await tab.choose('#job-form select[name=timeframe]', '365d');
  for (let turn = 0; turn < CANCELS_MAX; turn += 1) {
    const before = await tab.evaluate(() => location.hash);
    const [{ key }] = await tab.sending('/analyze/', async () => {
      await tab.click('#job-form button.primary');
      await tab.until('the next job', (old) => /^#\/jobs\/./.test(location.hash) && location.hash !== old && document.querySelector('#detail .panel .badge'), [before]);
    });
    demand(key && key !== startedBy, 'another job has the key of the one before');
    startedBy = key;
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

export async function jobList() {
  await open('#/jobs', 'Jobs');
  for (const status of ['Completed', 'Cancelled', 'All']) {
    await tab.click('main .choice button', status);
    await pressed(status);
    await settled();
  }
  // Of jobs that stand so, the first page may have none and the next one some.
  await tab.answering('status=failed', [{ body: { jobs: [], next_cursor: 'further' } }, { body: { jobs: [], next_cursor: null } }], async () => {
    await tab.click('main .choice button', 'Failed');
    await tab.until('a way to older jobs', () => document.querySelector('.more button') && !document.querySelector('main .empty'));
    await tab.click('.more button');
    await tab.until('the end of the list', () => document.querySelector('main .empty')?.textContent.includes('No job is failed') && !document.querySelector('.more button'));
  });
}
