-- Histories of derivatives markets: closed buckets, which never change and are never asked for again.
--
-- Identity: (coinalyze_symbol, series, interval, bucket). A row without values is a mark and no bucket: the newest one of
-- a series says since when (`covered_from`) and up to when (`bucket`) everything is known, or, at 1970, that the service
-- does not know the symbol. A mark stands where the next bucket will, so that the bucket replaces it.

CREATE TABLE IF NOT EXISTS {database}.market_series{on_cluster}
(
    coinalyze_symbol String CODEC(ZSTD(1)),
    series LowCardinality(String),
    interval LowCardinality(String),
    bucket DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    `values` Array(Float64) CODEC(ZSTD(1)),
    covered_from DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    fetched_at DateTime64(3, 'UTC') CODEC(T64, ZSTD(1)),
    CONSTRAINT series_known CHECK series IN ('open_interest', 'funding_rate', 'long_short_ratio', 'liquidations')
)
ENGINE = {replicated}ReplacingMergeTree(fetched_at)
ORDER BY (coinalyze_symbol, series, interval, bucket);

CREATE VIEW IF NOT EXISTS {database}.market_series_v{on_cluster} AS
SELECT coinalyze_symbol, series, interval, bucket, `values`, fetched_at
FROM {database}.market_series FINAL
WHERE notEmpty(`values`);

ALTER TABLE {database}.instruments{on_cluster}
    ADD COLUMN IF NOT EXISTS has_long_short_ratio Bool DEFAULT true AFTER oi_status;

CREATE OR REPLACE VIEW {database}.instruments_v{on_cluster} AS
SELECT * EXCEPT has_long_short_ratio
FROM {database}.instruments FINAL;
