// The walk over signals and instruments: the board sorts, filters and scrolls, and the charts obey mouse and keys.

import { Skip, demand, need, open, pressed, settled, tab } from './stage.mjs';

const lines = () => tab.evaluate(() => [...document.querySelectorAll('.board .line')].map((row) => [...row.cells].map((cell) => cell.textContent.trim())));
export const boardRows = () => tab.evaluate(() => Number(document.querySelector('.board table')?.getAttribute('aria-rowcount') ?? 1) - 1);

export async function sorts() {
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

export async function filters() {
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

export async function scrolls() {
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

export async function instrument() {
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

/** Presses a key, and waits until the chart says of other bars that they are in sight: their number, and the first of them. */
async function sightAfter(key) {
  const before = await tab.text('.chart-panel .unseen');
  await tab.press(key);
  const text = await tab.until(`${key} to move the chart`, (old) => {
    const now = document.querySelector('.chart-panel .unseen').textContent;
    return now !== old && now;
  }, [before]);
  const [from, to, bars] = /^(.+) to (.+), ([\d,]+) bars$/.exec(text).slice(1);
  return { from, to, bars: Number(bars.replaceAll(',', '')) };
}

export async function chartKeys() {
  need(await tab.has('.chart'), 'instrument');
  await tab.evaluate(() => document.querySelector('.chart-head > button').focus());
  await tab.press('Tab');
  const focused = await tab.evaluate(() => {
    const at = document.activeElement;
    return at.matches('.chart') && `${at.role} ${at.ariaLabel} ${getComputedStyle(at).outlineStyle}`;
  });
  demand(/^group .*rrow keys.* (auto|solid)$/.test(focused), `the chart does not take the focus: ${focused}`);
  const near = await sightAfter('+');
  const nearer = await sightAfter('+');
  demand(nearer.bars < near.bars, '+ does not zoom in');
  const earlier = await sightAfter('ArrowLeft');
  demand(earlier.from < nearer.from && Math.abs(earlier.bars - nearer.bars) <= 1, 'the left arrow does not move back');
  const first = await sightAfter('Home');
  demand(first.from < earlier.from, 'Home does not go to the first bar');
  const last = await sightAfter('End');
  demand(last.from > earlier.from, 'End does not go to the last bar');
  demand((await sightAfter('-')).bars > last.bars, '− does not zoom out');
}

/** On an instrument of which derivatives are known; then the walk goes on from where it was. */
export async function seriesKeys() {
  const before = await tab.evaluate(() => location.hash);
  try {
    await open('#/articles', 'Articles');
    await open('#/signals?oi=resolved', 'Signals');
    if (!(await tab.has('.board .line a'))) throw new Skip('no signal rests on derivatives of its own');
    await tab.click('.board .line a');
    await tab.until('the chart', () => location.hash.startsWith('#/instrument/') && document.querySelector('.chart canvas'));
    await settled();
    if (!(await tab.has('.series [role=slider]'))) throw new Skip('nothing is known of its derivatives');
    await slides();
  } finally {
    await open(before, '');
  }
}

async function slides() {
  await tab.evaluate(() => document.querySelector('.series [role=slider]').focus());
  await tab.until('the marker', () => document.querySelector('.series .cursor'));
  const last = await tab.evaluate(() => Number(document.querySelector('.series [role=slider]').ariaValueMax));
  for (const [key, place] of [['Home', 0], ['ArrowRight', Math.min(1, last)], ['End', last], ['ArrowLeft', Math.max(0, last - 1)]]) {
    await tab.press(key);
    await tab.until(`${key} to lead to place ${place}`, (wanted) => {
      const chart = document.querySelector('.series [role=slider]');
      return chart.ariaValueNow === String(wanted) && chart.ariaValueText.includes('UTC') && chart.querySelector('.cursor');
    }, [place]);
  }
  await tab.evaluate(() => document.activeElement.blur());
  await tab.until('the marker to be gone', () => !document.querySelector('.series .cursor'));
}
