// The candle chart: candles and volume, with trendlines, levels, patterns and signals drawn over them.
//
// Wraps lightweight-charts, which is fetched when a chart is first shown. Times there are whole seconds. Shapes never move the
// price scale, and what began before the first bar is cut there, so that no empty bars appear.

import { intervalSeconds, number, priceDigits, words } from './format.js';
import * as library from './vendor/lightweight-charts.js';

/** Bars in sight at first. */
const BARS_SHOWN = 180;
/** Empty bars at the right. */
const BARS_FREE = 8;
/** Bars in sight at least, however near one looks. */
const BARS_SHOWN_MIN = 10;
/** What an arrow key moves by, and what + leaves, of what is in sight. */
const MOVED = 0.1;
const NEARER = 0.8;
/** Labels on the chart: older ones would cover each other. */
const LABELS_MAX = 40;

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

function palette() {
  const names = ['panel', 'text', 'muted', 'line', 'up', 'down', 'accent', 'warn', 'violet', 'volume-up', 'volume-down'];
  return Object.fromEntries(names.map((name) => [name, colour(name)]));
}

const layout = (colours) => ({
  layout: {
    background: { type: 'solid', color: colours.panel },
    textColor: colours.muted,
    fontFamily: getComputedStyle(document.body).fontFamily,
    fontSize: 11,
    attributionLogo: true,
  },
  grid: { vertLines: { color: colours.line }, horzLines: { color: colours.line } },
  rightPriceScale: { borderColor: colours.line },
  timeScale: { borderColor: colours.line },
});

const seconds = (ms) => Math.floor(ms / 1000);

/** The bar that a moment belongs to: the last that began before it; null before the first. */
function barAt(times, time) {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= time) low = middle + 1;
    else high = middle;
  }
  return low ? times[low - 1] : null;
}

/** Two ends of a line, cut at the first bar; null where nothing of it is left. */
function cut(from, to, first) {
  if (to.time <= from.time || to.time <= first) return null;
  if (from.time >= first) return [from, to];
  const part = (first - from.time) / (to.time - from.time);
  return [{ time: first, price: from.price + part * (to.price - from.price) }, to];
}

/** Signals as marks on their bar, of each bar the strongest; `event_time` is a close, so the bar began before it. */
function signalMarks(signals, times, colours) {
  const strongest = new Map();
  for (const signal of signals) {
    const bar = barAt(times, seconds(Date.parse(signal.event_time)) - 1);
    const before = strongest.get(bar);
    if (bar !== null && (!before || Math.abs(before.score - 50) < Math.abs(signal.score - 50))) strongest.set(bar, signal);
  }
  return [...strongest].sort(([a], [b]) => a - b).map(([time, signal], index, all) => {
    const text = index >= all.length - LABELS_MAX ? number(signal.score, 0) : '';
    if (signal.direction === 'bullish') return { time, position: 'belowBar', shape: 'arrowUp', color: colours.up, text };
    if (signal.direction === 'bearish') return { time, position: 'aboveBar', shape: 'arrowDown', color: colours.down, text };
    return { time, position: 'aboveBar', shape: 'circle', size: 0.5, color: colours.muted, text: '' };
  });
}

/** A formation has several turning points; a candlestick pattern is one bar or a few beside each other. */
export const isFormation = (pattern, interval) => pattern.points.length > 2
  && (pattern.points.at(-1).time - pattern.points[0].time) / 1000 > 4 * (intervalSeconds(interval) ?? Infinity);

/** What a key makes of the bars in sight, counted from the first of `bars`; undefined where it means nothing here. */
function sightAfter(key, { from, to }, bars) {
  const width = to - from;
  const move = (by) => ({ from: from + by, to: to + by });
  const around = (wide) => ({ from: (from + to - wide) / 2, to: (from + to + wide) / 2 });
  const step = Math.max(1, Math.round(width * MOVED));
  const nearer = () => around(Math.max(width * NEARER, Math.min(width, BARS_SHOWN_MIN)));
  const keys = {
    ArrowLeft: () => move(-Math.max(0, Math.min(step, from + 1))),
    ArrowRight: () => move(Math.max(0, Math.min(step, bars + BARS_FREE - to))),
    Home: () => move(-1 - from),
    End: () => move(bars + BARS_FREE - to),
    '+': nearer,
    '=': nearer,
    '-': () => around(Math.min(width / NEARER, Math.max(width, bars + BARS_FREE + 1))),
  };
  return Object.hasOwn(keys, key) ? keys[key]() : undefined;
}

/** Draws into `element`; `show(data)` draws anew, `destroy()` ends it. */
export function candleChart(element) {
  let colours = palette();
  const chart = library.createChart(element, {
    autoSize: true,
    ...layout(colours),
    crosshair: { mode: library.CrosshairMode.Normal },
    timeScale: { timeVisible: true, secondsVisible: false, rightOffset: BARS_FREE },
    localization: { locale: 'en-US' },
    handleScroll: { vertTouchDrag: false },
  });
  // The library's logo is a link without a name, and tells where it was followed from.
  const logo = element.querySelector('a[href*="tradingview"]');
  logo?.setAttribute('aria-label', 'Charting by TradingView');
  logo?.setAttribute('rel', 'noopener noreferrer');
  const candles = chart.addSeries(library.CandlestickSeries, {});
  const volume = chart.addSeries(library.HistogramSeries, {
    priceScaleId: 'volume', priceFormat: { type: 'volume' }, lastValueVisible: false, priceLineVisible: false,
  });
  chart.priceScale('volume').applyOptions({ scaleMargins: { top: 0.84, bottom: 0 } });
  candles.priceScale().applyOptions({ scaleMargins: { top: 0.08, bottom: 0.2 } });
  const marks = library.createSeriesMarkers(candles, []);
  let lines = [];
  let levels = [];
  let shown = null;
  let last = null;
  let moved = () => {};

  // The chart takes a sight up with its next frame: a key that comes before goes on from here.
  let ahead = null;
  const pressed = (event) => {
    const sight = ahead ?? chart.timeScale().getVisibleLogicalRange();
    const next = event.ctrlKey || event.metaKey || event.altKey || !sight ? undefined : sightAfter(event.key, sight, last.bars.length);
    if (!next) return;
    event.preventDefault();
    ahead = next;
    chart.timeScale().setVisibleLogicalRange(next);
    requestAnimationFrame(() => (ahead = null));
    moved(last.bars.slice(Math.max(0, Math.ceil(next.from)), Math.floor(next.to) + 1));
  };
  element.addEventListener('keydown', pressed);

  const line = (points, options) => {
    const series = chart.addSeries(library.LineSeries, {
      lineWidth: 1, lastValueVisible: false, priceLineVisible: false, crosshairMarkerVisible: false,
      autoscaleInfoProvider: () => null, ...options,
    });
    const at = new Map(points.map((point) => [point.time, point.price]));
    series.setData([...at].sort(([a], [b]) => a - b).map(([time, value]) => ({ time, value })));
    lines.push(series);
  };
  const point = ({ time, price }) => ({ time: seconds(time), price });

  function drawBars({ bars }) {
    const digits = priceDigits(bars.at(-1)?.[4]);
    candles.applyOptions({
      upColor: colours.up, downColor: colours.down, wickUpColor: colours.up, wickDownColor: colours.down, borderVisible: false,
      priceFormat: { type: 'custom', minMove: 10 ** -digits, formatter: (value) => number(value, digits) },
    });
    candles.setData(bars.map(([time, open, high, low, close]) => ({ time: seconds(time), open, high, low, close })));
    volume.setData(bars.map(([time, open, , , close, traded]) => ({
      time: seconds(time), value: traded, color: close >= open ? colours['volume-up'] : colours['volume-down'],
    })));
  }

  function drawShapes({ bars, observed, signals, parts, interval }) {
    for (const series of lines) chart.removeSeries(series);
    for (const level of levels) candles.removePriceLine(level);
    [lines, levels] = [[], []];
    const times = bars.map(([time]) => seconds(time));
    const first = times[0];
    let labels = [];
    if (parts.trendlines) {
      for (const trend of observed?.trendlines ?? []) {
        const ends = cut(point(trend.from), point(trend.to), first);
        const color = trend.side === 'support' ? colours.up : colours.down;
        if (ends) line(ends, { color, lineWidth: trend.confidence > 0.6 ? 2 : 1 });
      }
    }
    if (parts.levels) {
      const nearest = new Set();
      for (const level of observed?.levels ?? []) {
        const axisLabelVisible = !nearest.has(level.side);
        nearest.add(level.side);
        levels.push(candles.createPriceLine({
          price: level.price, color: level.side === 'support' ? colours.up : colours.down, lineWidth: 1,
          lineStyle: library.LineStyle.Dotted, axisLabelVisible, title: axisLabelVisible ? words(level.side) : '',
        }));
      }
    }
    if (parts.patterns) {
      for (const pattern of observed?.patterns ?? []) {
        const bar = barAt(times, seconds(pattern.confirmed_at));
        if (bar === null) continue;
        const formation = isFormation(pattern, interval);
        labels.push({ time: bar, position: 'aboveBar', shape: 'square', size: 0.6, color: colours.violet, text: words(pattern.name) });
        const points = pattern.points.map(point).filter(({ time }) => time >= first);
        if (formation && points.length > 1) line(points, { color: colours.violet, lineStyle: library.LineStyle.Dashed });
      }
      // Candlestick patterns of one bar share a label.
      const byBar = new Map();
      for (const label of labels) {
        const other = byBar.get(label.time);
        byBar.set(label.time, other ? { ...other, text: `${other.text}, ${label.text.toLowerCase()}` } : label);
      }
      labels = [...byBar.values()];
    }
    if (parts.signals) labels.push(...signalMarks(signals, times, colours));
    marks.setMarkers(labels.sort((a, b) => a.time - b.time));
  }

  function show(data) {
    drawBars(data);
    drawShapes(data);
    if (shown !== data.key) {
      const bars = data.bars.length;
      chart.timeScale().setVisibleLogicalRange({ from: Math.max(-1, bars - BARS_SHOWN), to: bars + BARS_FREE });
      shown = data.key;
    }
    last = data;
  }

  const themed = () => {
    colours = palette();
    chart.applyOptions(layout(colours));
    if (last) show(last);
  };
  addEventListener('themechange', themed);
  return {
    show,
    onHover: (callback) => chart.subscribeCrosshairMove((event) => callback(event.time ? { ...event.seriesData.get(candles), volume: event.seriesData.get(volume)?.value } : null)),
    /** Calls back with the bars that a key brought in sight. */
    onKey: (callback) => (moved = callback),
    fit: () => chart.timeScale().fitContent(),
    destroy: () => (removeEventListener('themechange', themed), element.removeEventListener('keydown', pressed), chart.remove()),
  };
}
