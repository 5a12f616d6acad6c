"""What a market scanner with pandas does to a folder of candle files, as somebody who knows pandas and numpy writes it: the
yardstick of `cargo bench --bench scan`. One process, one file after the other, as such scanners are.

    python3 benches/reference_scan.py [--lean] DIR OUT

Prints {"seconds", "files", "good", "signals"}.

It does the same work for the same kinds of results: reads every shape that the benchmark writes and passes over what is
broken; computes the indicators (pandas), turns, levels, trendlines, formations and the volume profile
(`reference_shapes.py`, numpy) and the 61 candlestick patterns of the last bars (TA-Lib, whose C code is the fastest there
is for it); scores by three strategies with their components; and writes the feed with everything that the scores rest
on. Its rules are those of `src/market` and `src/score`, shortened: its numbers are near to ours, not equal.

It does not: store anything (no Kafka, no rows, no candles kept), keep dead letters, ask for derivatives, find out in which
order an unnamed list has its columns (it takes the usual one), or find symbol and interval in the content (a signal has
the name of its file).

`--lean` leaves out turns, trendlines, formations, candlestick patterns, the volume profile and the components: indicators,
levels from a rolling maximum, and three plain scores.
"""

import ast
import io
import json
import pathlib
import re
import sys
import time

import numpy as np
import pandas as pd
import reference_shapes as shapes

COLUMNS = ["time", "open", "high", "low", "close", "volume"]
NAMES = {
    "time": {"time", "t", "timestamp", "opentime", "open_time", "unix", "date"},
    "open": {"open", "o"},
    "high": {"high", "h"},
    "low": {"low", "l"},
    "close": {"close", "c"},
    "volume": {"volume", "v", "vol", "volume base"},
}
WRAPPERS = ["candles", "bars", "data", "list", "result", "klines", "k"]


def role(name):
    name = str(name).strip().lower().replace("open time", "opentime")
    return next((column for column, names in NAMES.items() if name in names), None)


def frame(value):
    """The bars in a JSON value, or None."""
    if isinstance(value, dict):
        for key in WRAPPERS:
            if key in value and isinstance(value[key], (dict, list)):
                found = frame(value[key])
                if found is not None:
                    return found
        named = {role(key): column for key, column in value.items() if isinstance(column, (list, dict))}
        if "close" in named:
            table = pd.DataFrame({key: pd.Series(column) for key, column in named.items() if key})
            return table if "time" in table else table.reset_index(names="time")
        return None
    if not isinstance(value, (list, tuple)) or not value:
        return None
    if isinstance(value[0], dict):
        rows = [row["k"] if isinstance(row.get("k"), dict) else row for row in value]
        names = {key: role(key) for key in rows[0] if len(key) > 1 or key.islower() or "T" in rows[0] and "t" not in rows[0]}
        table = pd.DataFrame(rows)[list(key for key, name in names.items() if name)]
        table.columns = [names[key] for key in table.columns]
        return table.loc[:, ~table.columns.duplicated()]
    if isinstance(value[0], (list, tuple)):
        table = pd.DataFrame(value)
        table.columns = (COLUMNS + [f"more{place}" for place in range(len(table.columns))])[: len(table.columns)]
        return table
    return None


def read(path):
    text = path.read_bytes().decode("utf-8-sig")
    try:
        table = frame(json.loads(text))
    except ValueError:
        try:
            table = frame([json.loads(line) for line in text.splitlines() if line.strip()])
        except ValueError:
            if "(" in text[:200] and "np.array" in text:
                table = frame(ast.literal_eval(text[text.index("(", text.index("np.array")) + 1 :].rsplit(")", 1)[0]))
            else:
                separator = next((mark for mark in "\t;," if mark in text.split("\n", 1)[0]), ",")
                header = None if re.match(r"\d", text) else 0
                table = pd.read_csv(io.StringIO(text), sep=separator, header=header)
                names = COLUMNS[: len(table.columns)] if header is None else [role(name) for name in table.columns]
                table.columns = names
                table = table.loc[:, [name is not None for name in names]]
                table = table.loc[:, ~table.columns.duplicated()]
    if table is None or "close" not in table or len(table) < 50:
        raise ValueError("no bars")
    if "volume" not in table:
        table["volume"] = 0.0
    for column in COLUMNS[1:]:
        table[column] = pd.to_numeric(table[column], errors="coerce")
    table = table.dropna(subset=COLUMNS[1:5]).drop_duplicates("time", keep="last").sort_values("time")
    # What other orders of the four prices are told by: the high is the highest.
    prices = table[["open", "high", "low", "close"]]
    table["high"], table["low"] = prices.max(axis=1), prices.min(axis=1)
    return table.reset_index(drop=True)


def wilder(values, period):
    return values.ewm(alpha=1 / period, adjust=False, min_periods=period).mean()


def indicators(bars):
    close, high, low, volume = bars["close"], bars["high"], bars["low"], bars["volume"]
    change = close.diff()
    gain, loss = wilder(change.clip(lower=0), 14), wilder(-change.clip(upper=0), 14)
    bars["rsi14"] = 100 - 100 / (1 + gain / loss)
    macd = close.ewm(span=12, adjust=False).mean() - close.ewm(span=26, adjust=False).mean()
    bars["macd"], bars["macd_signal"] = macd, macd.ewm(span=9, adjust=False).mean()
    bars["macd_hist"] = bars["macd"] - bars["macd_signal"]
    ranges = pd.concat([high - low, (high - close.shift()).abs(), (low - close.shift()).abs()], axis=1).max(axis=1)
    bars["atr14"] = wilder(ranges, 14)
    bars["sma20"], bars["sma200"] = close.rolling(20).mean(), close.rolling(200).mean()
    deviation = close.rolling(20).std(ddof=0)
    bars["bb_upper"], bars["bb_lower"] = bars["sma20"] + 2 * deviation, bars["sma20"] - 2 * deviation
    bars["ema20"], bars["ema50"] = close.ewm(span=20, adjust=False).mean(), close.ewm(span=50, adjust=False).mean()
    up, down = high.diff(), -low.diff()
    plus = wilder(up.where((up > down) & (up > 0), 0.0), 14) / bars["atr14"]
    minus = wilder(down.where((down > up) & (down > 0), 0.0), 14) / bars["atr14"]
    bars["adx14"] = wilder(100 * (plus - minus).abs() / (plus + minus), 14)
    lowest, highest = low.rolling(14).min(), high.rolling(14).max()
    bars["stoch_k"] = (100 * (close - lowest) / (highest - lowest)).rolling(3).mean()
    bars["stoch_d"] = bars["stoch_k"].rolling(3).mean()
    bars["obv"] = (np.sign(change).fillna(0) * volume).cumsum()
    bars["volume_ratio"] = volume / volume.rolling(20).mean()
    return bars


def levels(bars):
    highs, lows = bars["high"], bars["low"]
    tops = highs[highs == highs.rolling(11, center=True).max()].tail(20)
    bottoms = lows[lows == lows.rolling(11, center=True).min()].tail(20)
    return {
        "resistance": [{"time": int(place), "price": float(price)} for place, price in tops.items()],
        "support": [{"time": int(place), "price": float(price)} for place, price in bottoms.items()],
    }


def lean_scores(bars):
    last = bars.iloc[-1]
    trend = np.clip((last["ema20"] - last["ema50"]) / last["atr14"], -1, 1)
    force = np.clip(last["macd_hist"] / last["atr14"] * 4, -1, 1)
    stretch = np.clip((last["close"] - last["sma20"]) / (last["bb_upper"] - last["sma20"]), -1, 1)
    turn = np.clip((50 - last["rsi14"]) / 30, -1, 1)
    volume = np.clip((last["volume_ratio"] - 1) / 2, 0, 1) * np.sign(trend)
    return {
        "momentum": 50 + 50 * np.nan_to_num(0.5 * trend + 0.3 * force + 0.2 * volume),
        "breakout": 50 + 50 * np.nan_to_num(0.6 * stretch + 0.2 * force + 0.2 * volume),
        "reversal": 50 + 50 * np.nan_to_num(0.7 * turn - 0.3 * stretch),
    }


class Bars:
    """The last bars as numpy columns."""

    def __init__(self, table):
        last = table.tail(2000)
        self.open, self.high, self.low, self.close, self.volume = (last[name].to_numpy(float) for name in COLUMNS[1:])
        self.time = milliseconds(last["time"])

    def points(self, places, prices):
        return [{"time": int(self.time[place]), "price": float(price)} for place, price in zip(places, prices)]


def milliseconds(column):
    numbers = pd.to_numeric(column, errors="coerce")
    if numbers.isna().any():
        return pd.to_datetime(column, utc=True).to_numpy("datetime64[ms]").astype("int64")
    numbers = numbers.to_numpy("int64")
    return numbers * 1000 if numbers[-1] < 100_000_000_000 else numbers


def chart(table):
    bars, now, before = Bars(table), table.iloc[-1], table.iloc[-2]
    atr = table["atr14"].tail(len(bars.close)).to_numpy()
    mean = bars.volume[-21:-1].mean()
    ratio = float(bars.volume[-1] / mean) if mean > 0 else None
    found = shapes.turns(bars.high, bars.low, atr, shapes.TURN_ATRS)
    patterns = shapes.formations(bars, atr) + shapes.candlesticks(bars, ratio)
    patterns = sorted(patterns, key=lambda pattern: -pattern["bar"])[: shapes.PATTERNS_MAX]
    return {
        "bars": bars,
        "now": now.to_dict(),
        "before": before.to_dict(),
        "volume_ratio": ratio,
        "volume_peak": shapes.profile(bars),
        "levels": shapes.levels(bars, found, atr[-1]),
        "trendlines": shapes.trendlines(bars, found, atr[-1]),
        "patterns": patterns,
    }


def ramp(value, start, full):
    return min(max((value - start) / (full - start), 0.0), 1.0) if value == value else 0.0


def signed(value, start, full):
    return -ramp(-value, start, full) if value < 0 else ramp(value, start, full)


def known(values):
    values = [value for value in values if value == value]
    return sum(values) / len(values) if values else None


def told(chart, bars, worth):
    """What the patterns of the last bars say together."""
    newest = len(chart["bars"].close) - 1
    said = (
        pattern["direction"]
        * pattern["confidence"]
        * (1 - ramp(newest - pattern["bar"], 0, bars))
        * (0.5 if pattern["candle"] else 1.0)
        * worth(pattern)
        for pattern in chart["patterns"]
    )
    return min(max(sum(said), -1.0), 1.0)


def momentum(chart, body, rejection):
    now, before, atr = chart["now"], chart["before"], chart["now"]["atr14"]
    direction = known(
        [
            signed((now["close"] - now["ema20"]) / atr, 0, 2),
            signed((now["ema20"] - now["ema50"]) / atr, 0, 2),
            signed(now["macd_hist"] / atr, 0, 0.5),
            signed((now["macd_hist"] - before["macd_hist"]) / atr, 0, 0.1),
            signed(now["rsi14"] - 50, 0, 20),
        ]
    )
    trend = direction * (0.5 + 0.5 * ramp(now["adx14"], 20, 40))
    ratio = chart["volume_ratio"]
    volume = None if ratio is None else body * ramp(ratio, 1, 2.5)
    return {"trend": trend, "volume": volume, "pattern": told(chart, 10, lambda _: 1.0)}


def breakout(chart, body, rejection):
    now, before, atr = chart["now"], chart["before"], chart["now"]["atr14"]
    start, close, crossing = now["open"], now["close"], 0.0
    barriers = [(level["price"], level["confidence"]) for level in chart["levels"]]
    barriers += [(line["to"]["price"], line["confidence"]) for line in chart["trendlines"]]
    for price, confidence in barriers:
        sign = 1 if start <= price < close else -1 if start >= price > close else 0
        crossed = sign * confidence * (0.5 + 0.5 * ramp(abs(close - price) / atr, 0, 1))
        crossing = max(crossing, crossed, key=abs)
    leaving = ramp((close - now["bb_upper"]) / atr, 0, 1) - ramp((now["bb_lower"] - close) / atr, 0, 1)
    squeeze = 1 - ramp((before["bb_upper"] - before["bb_lower"]) / before["atr14"], 3, 6)
    trend = min(max(crossing + leaving, -1.0), 1.0) * (0.6 + 0.4 * squeeze)
    pattern = told(chart, 3, lambda pattern: 0.0 if pattern["candle"] else 1.0)
    direction, ratio = min(max(trend + pattern, -1.0), 1.0), chart["volume_ratio"]
    along = max(body * np.sign(direction), 0.0)
    volume = None if ratio is None else direction * along * ramp(ratio, 1, 3)
    return {"trend": trend, "volume": volume, "pattern": pattern}


def reversal(chart, body, rejection):
    now, atr = chart["now"], chart["now"]["atr14"]
    beyond = ramp((now["bb_lower"] - now["close"]) / atr, 0, 1) - ramp((now["close"] - now["bb_upper"]) / atr, 0, 1)
    extremes = [signed(50 - now["rsi14"], 20, 35), signed(50 - now["stoch_k"], 30, 45), beyond]
    trend = known(extremes) * (1 - 0.5 * ramp(now["adx14"], 25, 50))

    def worth(pattern):
        if any(word in pattern["name"] for word in ("flag", "pennant", "triangle", "channel")):
            return 0.0
        side, reached = ("support", now["low"]) if pattern["direction"] > 0 else ("resistance", now["high"])
        near = [level["price"] for level in chart["levels"] if level["side"] == side]
        near += [line["to"]["price"] for line in chart["trendlines"] if line["side"] == side]
        return 1.0 if any(abs(reached - price) <= atr for price in near) else 0.5

    pattern, ratio = told(chart, 5, worth), chart["volume_ratio"]
    turn = min(max(trend + pattern, -1.0), 1.0)
    volume = None if ratio is None else abs(turn) * rejection * ramp(ratio, 1.5, 3)
    return {"trend": trend, "volume": volume, "pattern": pattern}


STRATEGIES = {
    "momentum": (momentum, {"trend": 0.40, "volume": 0.15, "pattern": 0.10}),
    "breakout": (breakout, {"trend": 0.35, "volume": 0.20, "pattern": 0.20}),
    "reversal": (reversal, {"trend": 0.30, "volume": 0.10, "pattern": 0.25}),
}
DERIVATIVES = ["open_interest", "funding", "long_short", "liquidations"]
SHOWN = ["rsi14", "macd", "macd_signal", "macd_hist", "atr14", "bb_upper", "bb_lower", "adx14", "ema20", "ema50"]
SHOWN += ["sma20", "sma200", "stoch_k", "stoch_d", "obv"]


def signals_of(name, chart):
    now = chart["now"]
    reach = now["high"] - now["low"]
    body = (now["close"] - now["open"]) / reach if reach > 0 else 0.0
    tails = 2 * min(now["open"], now["close"]) - now["low"] - now["high"] + abs(now["close"] - now["open"])
    rejection = tails / reach if reach > 0 else 0.0
    sides = {1: "bullish", -1: "bearish", 0: "neutral"}
    patterns = [{**pattern, "direction": sides[pattern["direction"]]} for pattern in chart["patterns"][:8]]
    observed = {
        "trendlines": chart["trendlines"],
        "levels": chart["levels"],
        "patterns": patterns,
        "indicators": {key: None if now[key] != now[key] else float(now[key]) for key in SHOWN},
    }
    for strategy, (views, weights) in STRATEGIES.items():
        seen = {key: view for key, view in views(chart, body, rejection).items() if view is not None}
        weight = sum(weights[key] for key in seen)
        lean = sum(weights[key] * view for key, view in seen.items()) / weight
        voices = sum(weights[key] * signed(view, 0, 0.25) for key, view in seen.items())
        missing = [key for key in weights if key not in seen] + DERIVATIVES
        score = 50 + 50 * lean
        yield {
            "symbol": name,
            "strategy": strategy,
            "score": float(score),
            "direction": "bullish" if score >= 55 else "bearish" if score <= 45 else "neutral",
            "confidence": float(max(voices * np.sign(lean), 0.0)),
            "strength": float(abs(lean)),
            "components": {key: 10.0 + 10.0 * float(seen.get(key, 0.0)) for key in [*weights, *DERIVATIVES]},
            "oi_metadata": {"status": "neutral", "missing": missing},
            "observability": observed,
        }


def lean_signals_of(name, bars):
    shown = levels(bars)
    for strategy, score in lean_scores(bars).items():
        direction = "bullish" if score >= 55 else "bearish" if score <= 45 else "neutral"
        signal = {"symbol": name, "strategy": strategy, "score": round(float(score), 4), "direction": direction}
        yield {**signal, "observability": {"levels": shown}}


def main(folder, out, is_lean):
    began = time.perf_counter()
    files = sorted(path for path in pathlib.Path(folder).rglob("*") if path.is_file())
    good, signals = 0, []
    for path in files:
        try:
            bars = read(path)
        except Exception:
            continue
        bars = indicators(bars)
        signals.extend(lean_signals_of(path.stem, bars) if is_lean else signals_of(path.stem, chart(bars)))
        good += 1
    signals.sort(key=lambda signal: -signal["score"])
    pathlib.Path(out).write_text(json.dumps({"last_updated": int(time.time() * 1000), "signals": signals}))
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "files": len(files), "good": good, "signals": len(signals)}))


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if word != "--lean"]
    main(words[0], words[1], "--lean" in sys.argv)
