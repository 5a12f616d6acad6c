-- Candles and the instruments they belong to.
--
-- A candle's time is part of its identity, so here partitions are sound; years, because a daily series of ten years
-- in one insert would otherwise open 120 partitions. In this order times and prices change little from row to row.

CREATE TABLE IF NOT EXISTS {database}.candles{on_cluster}
(
    exchange LowCardinality(String),
    symbol LowCardinality(String),
    interval LowCardinality(String),
    open_time DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    open Float64 CODEC(Gorilla, ZSTD(1)),
    high Float64 CODEC(Gorilla, ZSTD(1)),
    low Float64 CODEC(Gorilla, ZSTD(1)),
    close Float64 CODEC(Gorilla, ZSTD(1)),
    volume Float64 CODEC(ZSTD(1)),
    origin String CODEC(ZSTD(1)),
    version Int64 CODEC(T64, ZSTD(1))
)
ENGINE = {replicated}ReplacingMergeTree(version)
PARTITION BY toYear(open_time)
ORDER BY (exchange, symbol, interval, open_time);

CREATE VIEW IF NOT EXISTS {database}.candles_v{on_cluster} AS
SELECT * EXCEPT version
FROM {database}.candles FINAL;

CREATE TABLE IF NOT EXISTS {database}.instruments{on_cluster}
(
    exchange LowCardinality(String),
    symbol String CODEC(ZSTD(1)),
    base LowCardinality(String),
    quote LowCardinality(String),
    coinalyze_symbol String CODEC(ZSTD(1)),
    venue LowCardinality(String),
    oi_status LowCardinality(String),
    checked_at DateTime64(3, 'UTC') CODEC(T64, ZSTD(1))
)
ENGINE = {replicated}ReplacingMergeTree(checked_at)
ORDER BY (exchange, symbol);

CREATE VIEW IF NOT EXISTS {database}.instruments_v{on_cluster} AS
SELECT *
FROM {database}.instruments FINAL;
