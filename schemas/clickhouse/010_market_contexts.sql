-- What a market signal rests on, and what derivatives said of each instrument.

ALTER TABLE {database}.signals{on_cluster}
    ADD COLUMN IF NOT EXISTS oi_metadata String DEFAULT '' CODEC(ZSTD(3)) AFTER context_age_s,
    ADD COLUMN IF NOT EXISTS observability String DEFAULT '' CODEC(ZSTD(3)) AFTER oi_metadata;

CREATE OR REPLACE VIEW {database}.signals_v{on_cluster} AS
SELECT * EXCEPT version
FROM {database}.signals FINAL
WHERE run_id = 'live';

-- Identity: (run_id, exchange, symbol, known_at), the newest moment that a context speaks of; 1970 where it is neutral.
CREATE TABLE IF NOT EXISTS {database}.market_contexts{on_cluster}
(
    run_id LowCardinality(String),
    exchange LowCardinality(String),
    symbol String CODEC(ZSTD(1)),
    known_at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    oi_status LowCardinality(String),
    venue LowCardinality(String),
    open_interest_usd Nullable(Float64) CODEC(ZSTD(1)),
    open_interest_change Nullable(Float64) CODEC(ZSTD(1)),
    funding_rate Nullable(Float64) COMMENT 'percent for each funding interval' CODEC(ZSTD(1)),
    long_short_ratio Nullable(Float64) CODEC(ZSTD(1)),
    liquidations_long_usd Nullable(Float64) CODEC(ZSTD(1)),
    liquidations_short_usd Nullable(Float64) CODEC(ZSTD(1)),
    as_of Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    fetched_at Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    version Int64 CODEC(T64, ZSTD(1)),
    CONSTRAINT oi_status_known CHECK oi_status IN ('resolved', 'aggregated', 'neutral')
)
ENGINE = {replicated}ReplacingMergeTree(version)
ORDER BY (run_id, exchange, symbol, known_at);

CREATE VIEW IF NOT EXISTS {database}.market_contexts_v{on_cluster} AS
SELECT * EXCEPT (version, known_at)
FROM {database}.market_contexts FINAL
WHERE run_id = 'live';
