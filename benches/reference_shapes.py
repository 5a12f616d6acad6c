"""Shapes of a chart with numpy: turns of the price, levels, trendlines, formations, candlestick patterns and the volume
profile, by the definitions of `src/market`. What is a vector operation is one; turns depend on the turn before them, so
they are one loop over plain floats, and formations are few comparisons for each of a few dozen turns.
"""

import numpy as np
import talib

REACH, TURN_ATRS, LENGTH_MAX = 3, 2.5, 150
FORMATION_BARS, CANDLE_BARS, PATTERNS_MAX = 50, 5, 24
CANDLES = [name for name in talib.get_function_groups()["Pattern Recognition"]]


def grade(value, worst, best):
    return min(max((value - worst) / (best - worst), 0.0), 1.0)


def turns(high, low, atr, atrs):
    """Alternating (bar, is_high, confirmed), each followed by a move of so many average true ranges."""
    highs, lows, needed = high.tolist(), low.tolist(), (atr * atrs).tolist()
    first = int(np.argmax(~np.isnan(atr)))
    found, side = [], 0
    top = bottom = first
    back_down = back_up = 0.0
    for now in range(first, len(highs)):
        up, down, need = highs[now], lows[now], needed[now]
        if side >= 0:
            if up > highs[top] or now == top:
                top, back_down = now, 0.0
            else:
                back_down = max(back_down, highs[top] - down)
        if side <= 0:
            if down < lows[bottom] or now == bottom:
                bottom, back_up = now, 0.0
            else:
                back_up = max(back_up, up - lows[bottom])
        if not need > 0:
            continue
        if side >= 0 and now >= top + REACH and back_down >= need and (side or top >= first + REACH):
            found.append((top, True, now))
            side, start = -1, top + 1
            bottom = start + int(np.argmin(low[start : now + 1]))
            back_up = max(highs[bottom + 1 : now + 1], default=lows[bottom]) - lows[bottom]
        elif side <= 0 and now >= bottom + REACH and back_up >= need and (side or bottom >= first + REACH):
            found.append((bottom, False, now))
            side, start = 1, bottom + 1
            top = start + int(np.argmax(high[start : now + 1]))
            back_down = highs[top] - min(lows[top + 1 : now + 1], default=highs[top])
    return found


def fractals(high):
    """Bars above the three before and not below the three after them."""
    if len(high) < 2 * REACH + 1:
        return np.array([], dtype=int)
    windows = np.lib.stride_tricks.sliding_window_view(high, 2 * REACH + 1)
    middle = windows[:, REACH]
    is_top = (middle > windows[:, :REACH].max(axis=1)) & (middle >= windows[:, REACH + 1 :].max(axis=1))
    return np.flatnonzero(is_top) + REACH


def levels(bars, found, atr):
    """Clusters of turns, the densest first; the eight nearest to the last close."""
    latest = sorted(((bars.high[at] if top else bars.low[at]), at) for at, top, _ in found[-120:])
    prices, places = np.array([price for price, _ in latest]), np.array([at for _, at in latest], dtype=int)
    now, close, levels = len(bars.close) - 1, bars.close[-1], []
    while len(prices) > 1:
        ends = np.searchsorted(prices, prices + 0.75 * atr, side="right")
        counts = ends - np.arange(len(prices))
        best = np.lexsort((prices[ends - 1] - prices, -counts))[0]
        if counts[best] < 2:
            break
        cluster = slice(best, ends[best])
        own, at = prices[cluster], places[cluster]
        price, order = own.mean(), np.argsort(at)
        confidence = 0.5 * grade(len(own), 1, 6) + 0.25 * grade(now - at.max(), 250, 0)
        confidence += 0.25 * grade(own[-1] - own[0], 0.75 * atr, 0)
        points = bars.points(at[order], own[order])
        side = "resistance" if price > close else "support"
        levels.append({"side": side, "price": price, "points": points, "confidence": confidence})
        prices, places = np.delete(prices, cluster), np.delete(places, cluster)
    return sorted(levels, key=lambda level: abs(level["price"] - close))[:8]


def trendlines(bars, found, atr):
    lines = []
    for is_top in (False, True):
        side = [(at, bars.high[at] if is_top else bars.low[at]) for at, top, _ in found if top == is_top][-32:]
        lines += side_lines(bars, np.array(side).reshape(-1, 2), atr, -1.0 if is_top else 1.0)
    return sorted(lines, key=lambda line: -line["confidence"])


def side_lines(bars, side, atr, sign):
    if len(side) < 3:
        return []
    at, price, now = side[:, 0], sign * side[:, 1], len(bars.close) - 1
    closes, numbers = sign * bars.close, np.arange(len(bars.close))
    standing = []
    for start in range(len(at) - 1):
        first = int(at[start])
        room = (closes[first + 1 :] - (price[start] - 0.5 * atr)) / (numbers[first + 1 :] - first)
        slopes = (price[start + 1 :] - price[start]) / (at[start + 1 :] - at[start])
        slopes = slopes[slopes <= room.min()]
        # All lines from this turn at once: one row a line, one column a turn.
        off = np.abs(price[start:] - price[start] - slopes[:, None] * (at[start:] - at[start]))
        touched = off <= 0.4 * atr
        for slope, row, distance in zip(slopes, touched, off):
            on = np.flatnonzero(row)
            span = at[start + on[-1]] - at[start]
            end = price[start] + slope * (now - at[start])
            if len(on) < 3 or span < 15 or sign * end <= 0:
                continue
            confidence = 0.4 * grade(len(on), 2, 6) + 0.2 * grade(span, 15, 120)
            confidence += 0.2 * grade(now - at[start + on[-1]], span, 0) + 0.2 * grade(distance[on].mean(), 0.4 * atr, 0)
            standing.append((confidence, start + on, end))
    standing.sort(key=lambda line: -line[0])
    kept = []
    for line in standing:
        if len(kept) < 3 and all(len(np.intersect1d(line[1], other[1])) <= 1 for other in kept):
            kept.append(line)
    return [
        {
            "side": "support" if sign > 0 else "resistance",
            "from": bars.points(at[on[:1]].astype(int), side[on[:1], 1])[0],
            "to": {"time": int(bars.time[-1]), "price": sign * end},
            "points": bars.points(at[on].astype(int), side[on, 1]),
            "confidence": confidence,
        }
        for confidence, on, end in kept
    ]


class View:
    """The chart upright, or with negated prices, so that a top and a bottom are one rule."""

    def __init__(self, bars, atr, is_mirrored):
        self.is_mirrored, self.atr = is_mirrored, atr
        self.close = -bars.close if is_mirrored else bars.close
        self.high, self.low = (-bars.low, -bars.high) if is_mirrored else (bars.high, bars.low)

    def price(self, turn):
        return self.high[turn[0]] if turn[1] != self.is_mirrored else self.low[turn[0]]

    def breaks_below(self, at, slope, price, ceiling, first, last):
        """The first close below a line, before any above the ceiling: bar, and how far in average true ranges."""
        places = np.arange(first, min(last, len(self.close) - 1) + 1)
        closes = self.close[places]
        below = price + slope * (places - at) - closes
        ends = np.flatnonzero((below > 0) | (closes > ceiling))
        if len(ends) == 0 or below[ends[0]] <= 0:
            return None
        bar = int(places[ends[0]])
        return bar, below[ends[0]] / self.atr[bar]


def double_top(view, window):
    before, left, valley, right = window
    length = right[0] - left[0]
    if not 8 <= length <= LENGTH_MAX:
        return None
    start, a, floor, c = (view.price(turn) for turn in window)
    atr, height, unequal = view.atr[right[0]], (a + c) / 2 - floor, abs(a - c)
    if unequal > 0.15 * height or height < 3 * atr or start >= floor:
        return None
    end = view.breaks_below(0, 0.0, floor, max(a, c), right[2], right[0] + length)
    if end is None:
        return None
    grades = [grade(unequal / height, 0.15, 0), grade(height / atr, 3, 8), grade((a - start) / height, 1, 2), grade(end[1], 0, 1)]
    return "double_bottom" if view.is_mirrored else "double_top", window[1:], end[0], sum(grades) / 4


def shoulders(view, window):
    before, left, m, head, n, right = window
    length = right[0] - left[0]
    if length > LENGTH_MAX:
        return None
    prices = [view.price(turn) for turn in window]
    slope = (prices[4] - prices[2]) / (n[0] - m[0])
    above = [price - prices[2] - slope * (turn[0] - m[0]) for price, turn in zip(prices, window)]
    atr, height = view.atr[right[0]], above[3]
    if height < 4 * atr or above[0] >= 0:
        return None
    sides, level = abs(prices[1] - prices[5]) / height, abs(prices[2] - prices[4]) / height
    over = (prices[3] - max(prices[1], prices[5])) / height
    rise, fall = head[0] - left[0], right[0] - head[0]
    symmetry = min(rise, fall) / max(rise, fall)
    if over < 0.15 or sides > 0.25 or level > 0.25 or min(above[1], above[5]) < 0.25 * height or symmetry < 0.4:
        return None
    end = view.breaks_below(m[0], slope, prices[2], prices[5], right[2], right[0] + length)
    if end is None:
        return None
    grades = [grade(sides, 0.25, 0), grade(level, 0.25, 0), grade(over, 0.15, 0.4), grade(symmetry, 0.4, 1)]
    grades += [grade(height / atr, 4, 10), grade(end[1], 0, 1)]
    return "inverse_head_and_shoulders" if view.is_mirrored else "head_and_shoulders", window[1:], end[0], sum(grades) / 6


def fit(places, prices):
    mean, away = places.mean(), places - places.mean()
    slope = (away * prices).sum() / (away * away).sum()
    return slope, prices.mean() - slope * mean


def bands(view, window):
    """Triangles, wedges and channels: two lines of least squares that hold the price between them."""
    first, last = window[0][0], window[-1][0]
    atr = view.atr[last]
    if not 15 <= last - first <= LENGTH_MAX:
        return
    places, tops = np.array([turn[0] for turn in window], dtype=float), np.array([turn[1] for turn in window])
    prices = np.array([view.price(turn) for turn in window])
    (up, high), (down, low) = fit(places[tops], prices[tops]), fit(places[~tops], prices[~tops])
    start, end = (up - down) * first + high - low, (up - down) * last + high - low
    off = np.abs(prices - np.where(tops, up * places + high, down * places + low)).max() / atr
    if start < 3 * atr or end <= 0 or off > 0.4:
        return
    numbers = np.arange(first, len(view.close))
    above, below = view.close[first:] - (up * numbers + high), down * numbers + low - view.close[first:]
    outside = np.flatnonzero((above > 0.5 * atr) | (below > 0.5 * atr))
    held = first + outside[0] if len(outside) else len(view.close)
    if held <= last:
        return
    closing, upper, lower = end / start, up * (last - first) / start, down * (last - first) / start
    if len(window) == 6 and 0.75 <= closing <= 1 / 0.75 and held > window[-1][2]:
        kinds = [("rising_channel", min(upper, lower) > 0.25), ("falling_channel", max(upper, lower) < -0.25)]
        kinds.append(("horizontal_channel", max(abs(upper), abs(lower)) <= 0.25))
        legs = np.diff(places)
        grades = [grade(off, 0.4, 0), grade(min(closing, 1 / closing), 0.75, 1), grade(legs.min() / legs.max(), 0, 0.5)]
        yield from ((name, window, window[-1][2], sum(grades) / 3) for name, is_one in kinds if is_one)
    if closing > 0.65:
        return
    wedge = "rising_wedge" if min(upper, lower) > 0.15 else "falling_wedge" if max(upper, lower) < -0.15 else None
    if upper < -0.15 and lower > 0.15:
        name = "symmetrical_triangle"
    elif abs(upper) <= 0.15 and lower > 0.15:
        name = "ascending_triangle"
    elif upper < -0.15 and abs(lower) <= 0.15:
        name = "descending_triangle"
    else:
        name = wedge
    since = window[-1][2] - first
    left = np.flatnonzero((above[since:] > 0) | (below[since:] > 0))
    if name is None or len(left) == 0 or window[-1][2] + left[0] > last + (last - first) // 2:
        return
    bar = window[-1][2] + int(left[0])
    beyond = max(above[bar - first], below[bar - first]) / view.atr[bar]
    grades = [grade(off, 0.4, 0), grade(closing, 0.65, 0.3), grade(len(window), 4, 8), grade(beyond, 0, 1)]
    yield f"{name}:{'up' if above[bar - first] > 0 else 'down'}", window, bar, sum(grades) / 4


def flags(view, since):
    """A steep pole, a short rest that gives little back, and a close beyond it."""
    for tip in fractals(view.high):
        if tip + 21 < since or tip < 2:
            continue
        lows = view.low[max(tip - 15, 0) : tip]
        base = tip - 1 - int(np.argmin(lows[::-1]))
        pole = view.high[tip] - view.low[base]
        gone = np.abs(np.diff(view.close[base : tip + 1])).sum()
        straight = (view.close[tip] - view.close[base]) / gone if gone > 0 else 0
        if not pole >= 7 * view.atr[base] or straight < 0.6 or view.high[base:tip].max() > view.high[tip]:
            continue
        for end in range(tip + 6, min(tip + 22, len(view.close))):
            rest = slice(tip + 1, end)
            back = view.high[tip] - view.low[rest].min()
            if back > 0.5 * pole or view.high[rest].max() > view.high[tip]:
                break
            numbers = np.arange(tip + 1, end)
            upper, height = fit(numbers, view.high[rest])
            lower, _ = fit(numbers, view.low[rest])
            height += (view.high[rest] - upper * numbers - height).max()
            if view.close[end] > upper * end + height:
                kind = "pennant" if upper < 0 < lower else "flag" if upper + lower <= 0 else None
                grades = [grade(pole / view.atr[base], 7, 14), grade(straight, 0.6, 1), grade(back / pole, 0.5, 0.2)]
                if kind:
                    side = "bear_" if view.is_mirrored else "bull_"
                    yield side + kind, [(base, False, end), (tip, True, end)], end, sum(grades) / 3
                break


def formations(bars, atr):
    since, found = len(bars.close) - FORMATION_BARS, []
    upright, mirrored = View(bars, atr, False), View(bars, atr, True)
    for size in (TURN_ATRS, 2 * TURN_ATRS):
        every = turns(bars.high, bars.low, atr, size)
        # What ends earlier cannot be complete within the last bars.
        recent = next((place for place, turn in enumerate(every) if turn[0] + LENGTH_MAX >= since), len(every))
        for place in range(recent, len(every)):
            view = upright if every[place][1] else mirrored
            for count, rule in ((4, double_top), (6, shoulders)):
                if place + 1 >= count:
                    found.append(rule(view, every[place + 1 - count : place + 1]))
            for count in range(5, 9):
                if place + 1 >= count:
                    found.extend(bands(upright, every[place + 1 - count : place + 1]))
    for view in (upright, mirrored):
        found.extend(flags(view, since))
    kept = {}
    for shape in sorted((shape for shape in found if shape and shape[2] >= since), key=lambda shape: -shape[3]):
        kept.setdefault((shape[0], shape[2]), shape)
    return [formation(bars, *shape) for shape in kept.values()]


DIRECTIONS = {"double_top": -1, "head_and_shoulders": -1, "falling_channel": -1, "horizontal_channel": 0}


def formation(bars, name, window, bar, confidence):
    name, _, way = name.partition(":")
    direction = {"up": 1, "down": -1}.get(way, -1 if name.startswith("bear_") else DIRECTIONS.get(name, 1))
    points = bars.points([turn[0] for turn in window], [bars.high[turn[0]] if turn[1] else bars.low[turn[0]] for turn in window])
    return {"name": name, "direction": direction, "confidence": confidence, "points": points, "bar": bar, "candle": False}


def candlesticks(bars, ratio):
    """All 61 of TA-Lib for the last bars, asked with as many before them as the longest definition needs."""
    last = slice(-(CANDLE_BARS + 64), None)
    columns = [column[last] for column in (bars.open, bars.high, bars.low, bars.close)]
    rising, count, found = bars.close[-1] > bars.close[-20:].mean(), len(bars.close), []
    for name in CANDLES:
        answers = getattr(talib, name)(*columns)[-CANDLE_BARS:]
        for place in np.flatnonzero(answers):
            answer, bar = int(answers[place]), count - CANDLE_BARS + int(place)
            confidence = 0.5 * abs(answer) / 200 + 0.25 * (rising == (answer < 0)) + 0.25 * (ratio is not None and ratio >= 1)
            points = bars.points([bar], [bars.close[bar]])
            direction = 1 if answer > 0 else -1
            found.append({"name": name[3:].lower(), "direction": direction, "confidence": confidence, "points": points, "bar": bar, "candle": True})
    return found


def profile(bars):
    """The price with the most volume of the last 500 bars, each spread evenly over 50 bins."""
    low, high, volume = bars.low[-500:], bars.high[-500:], bars.volume[-500:]
    edges = np.linspace(low.min(), high.max(), 51)
    if volume.sum() <= 0 or edges[0] == edges[-1]:
        return None
    overlap = np.minimum(high[:, None], edges[1:]) - np.maximum(low[:, None], edges[:-1])
    share = np.clip(overlap, 0, None) / np.maximum(high - low, (edges[-1] - edges[0]) * 1e-9)[:, None]
    peak = int((share * volume[:, None]).sum(axis=0).argmax())
    return (edges[peak] + edges[peak + 1]) / 2
