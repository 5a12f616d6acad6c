-- Evaluations: what became of signals. And what they are made from: a market's signal is replaced by the next one of its
-- series, so what each said of a bar is kept beside it.
--
-- Identity of what was said: source, strategy, run, the bar that it was said of, and when that was available; a score
-- that was made again as contexts came replaces the one before it. Filled as signals are inserted, so a repeated insert
-- repeats the same rows. Articles have one signal each and are not in it.

CREATE TABLE IF NOT EXISTS {database}.signal_history{on_cluster}
(
    run_id LowCardinality(String),
    source_id String CODEC(ZSTD(1)),
    strategy LowCardinality(String),
    event_time DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    available_at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    subject LowCardinality(String),
    exchange LowCardinality(String),
    interval LowCardinality(String),
    score Float64 CODEC(ZSTD(1)),
    direction LowCardinality(String),
    confidence Float64 CODEC(ZSTD(1)),
    strength Float64 CODEC(ZSTD(1)),
    components Map(LowCardinality(String), Float64) CODEC(ZSTD(1)),
    analyzer LowCardinality(String),
    model LowCardinality(String),
    prompt_version LowCardinality(String),
    version Int64 CODEC(T64, ZSTD(1)),
    INDEX available available_at TYPE minmax GRANULARITY 1
)
ENGINE = {replicated}ReplacingMergeTree(version)
PARTITION BY toYear(event_time)
ORDER BY (run_id, source_id, strategy, event_time, available_at);

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.signal_history_feed{on_cluster} TO {database}.signal_history AS
SELECT
    run_id, source_id, strategy, event_time, available_at, subject, exchange, interval, score, direction, confidence,
    strength, components, analyzer, model, prompt_version, version
FROM {database}.signals
WHERE kind = 'market';

CREATE VIEW IF NOT EXISTS {database}.signal_history_v{on_cluster} AS
SELECT * EXCEPT version
FROM {database}.signal_history FINAL
WHERE run_id = 'live';

-- A row for each kind of group, group and horizon of an evaluation. What is not known is null. The parts of the Brier
-- score add up: reliability - resolution + uncertainty + within_bins = brier. `filter` says what the signals had to meet
-- beside the run; empty is all of them.

CREATE TABLE IF NOT EXISTS {database}.evaluations{on_cluster}
(
    evaluation_id String CODEC(ZSTD(1)),
    evaluated_at DateTime64(3, 'UTC') CODEC(T64, ZSTD(1)),
    run_id LowCardinality(String),
    filter String CODEC(ZSTD(1)),
    `by` LowCardinality(String),
    `group` LowCardinality(String),
    horizon LowCardinality(String),
    horizon_s UInt32,
    first_at Nullable(DateTime64(3, 'UTC')),
    last_at Nullable(DateTime64(3, 'UTC')),
    signals UInt64,
    measured UInt64,
    pending UInt64,
    no_price UInt64,
    neutral UInt64,
    hit_rate Nullable(Float64),
    hit_rate_low Nullable(Float64),
    hit_rate_high Nullable(Float64),
    by_chance Nullable(Float64),
    always_long Nullable(Float64),
    edge Nullable(Float64),
    edge_low Nullable(Float64),
    edge_high Nullable(Float64),
    mean_return Nullable(Float64),
    mean_return_low Nullable(Float64),
    mean_return_high Nullable(Float64),
    long_return Nullable(Float64),
    rank_ic Nullable(Float64),
    rank_ic_low Nullable(Float64),
    rank_ic_high Nullable(Float64),
    brier Nullable(Float64),
    brier_low Nullable(Float64),
    brier_high Nullable(Float64),
    reliability Nullable(Float64),
    resolution Nullable(Float64),
    uncertainty Nullable(Float64),
    within_bins Nullable(Float64),
    bin_stated Array(Float64),
    bin_came Array(Float64),
    bin_low Array(Nullable(Float64)),
    bin_high Array(Nullable(Float64)),
    bin_signals Array(UInt64),
    resamples UInt32,
    seed UInt64
)
ENGINE = {replicated}ReplacingMergeTree(evaluated_at)
ORDER BY (run_id, filter, `by`, `group`, horizon_s, evaluation_id);

CREATE VIEW IF NOT EXISTS {database}.evaluations_v{on_cluster} AS
SELECT *
FROM {database}.evaluations FINAL;
