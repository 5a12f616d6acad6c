-- Signals: what all this is for. Kept for good: evaluation looks back over all of them.
--
-- Identity: signal_id, which is made of kind, source, strategy and run. The sort key spells these out before the id:
-- they are functions of it, so versions of one signal still sort together, and a board of market signals, the signals
-- of one article or of one series, and a run are each a narrow range of the key. The subject and the times are not in
-- the key, because a new version of an article may change them; nor is there a month partition, for the same reason.
--
-- Ranges of time are found by minmax indexes, which FINAL widens to whatever else may hold a version of the same rows.
-- Producers' ids mostly grow with time, so few granules remain; for ids that are random it is a scan of narrow columns.

CREATE TABLE IF NOT EXISTS {database}.signals{on_cluster}
(
    signal_id String CODEC(ZSTD(1)),
    run_id LowCardinality(String),
    kind LowCardinality(String),
    source_id String CODEC(ZSTD(1)),
    subject LowCardinality(String),
    exchange LowCardinality(String),
    interval LowCardinality(String),
    strategy LowCardinality(String),
    score Float64 CODEC(ZSTD(1)),
    direction LowCardinality(String),
    confidence Float64 CODEC(ZSTD(1)),
    strength Float64 CODEC(ZSTD(1)),
    components Map(LowCardinality(String), Float64) CODEC(ZSTD(1)),
    oi_status LowCardinality(String),
    context_age_s Float64 CODEC(ZSTD(1)),
    analyzer LowCardinality(String),
    model LowCardinality(String),
    prompt_version LowCardinality(String),
    cost_usd Decimal(18, 9) CODEC(T64, ZSTD(1)),
    event_time DateTime64(3, 'UTC') CODEC(T64, ZSTD(1)),
    available_at DateTime64(3, 'UTC') CODEC(T64, ZSTD(1)),
    produced_at DateTime64(3, 'UTC') CODEC(T64, ZSTD(1)),
    origin String CODEC(ZSTD(1)),
    version Int64 CODEC(T64, ZSTD(1)),
    INDEX happened event_time TYPE minmax GRANULARITY 1,
    INDEX available available_at TYPE minmax GRANULARITY 1,
    CONSTRAINT score_range CHECK score >= 0 AND score <= 100,
    CONSTRAINT confidence_range CHECK confidence >= 0 AND confidence <= 1,
    CONSTRAINT strength_range CHECK strength >= 0 AND strength <= 1
)
ENGINE = {replicated}ReplacingMergeTree(version)
ORDER BY (run_id, kind, source_id, strategy, signal_id);

CREATE VIEW IF NOT EXISTS {database}.signals_v{on_cluster} AS
SELECT * EXCEPT version
FROM {database}.signals FINAL
WHERE run_id = 'live';
