"""What a market scanner with pandas does to a folder of candle files: read each file, whatever its shape, compute the
indicators, score it by three strategies, and write the master feed. One process, one file after the other.

    python3 benches/reference_scan.py DIR OUT

Prints {"seconds", "files", "good", "signals"}. The measure for `cargo bench --bench scan`: the same files, the same
indicators (RSI, MACD, ATR, Bollinger, ADX, EMA, SMA, stochastic, OBV), levels from swing points, three scores. It looks
for no formations, asks nobody, and keeps nothing.
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
    if not isinstance(value, list) or not value:
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


def scores(bars):
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


def main(folder, out):
    began = time.perf_counter()
    files = sorted(path for path in pathlib.Path(folder).rglob("*") if path.is_file())
    good, signals = 0, []
    for path in files:
        try:
            bars = indicators(read(path))
        except Exception:
            continue
        good += 1
        shown = levels(bars)
        for strategy, score in scores(bars).items():
            direction = "bullish" if score >= 55 else "bearish" if score <= 45 else "neutral"
            signals.append(
                {
                    "symbol": path.stem,
                    "strategy": strategy,
                    "score": round(float(score), 4),
                    "direction": direction,
                    "observability": {"levels": shown},
                }
            )
    signals.sort(key=lambda signal: -signal["score"])
    pathlib.Path(out).write_text(json.dumps({"last_updated": int(time.time() * 1000), "signals": signals}))
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "files": len(files), "good": good, "signals": len(signals)}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
