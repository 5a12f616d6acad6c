-- Analyses that somebody asked for: how each job stands, and its pictures.
--
-- Identity: analysis_id. Every row says the whole of a job, and the one with the highest version counts: what is final
-- before what is under way before what waits, then the later one (`JobRow::version`).

CREATE TABLE IF NOT EXISTS {database}.analysis_jobs{on_cluster}
(
    analysis_id String CODEC(ZSTD(1)),
    user_id String CODEC(ZSTD(1)),
    symbol LowCardinality(String),
    exchange LowCardinality(String),
    interval LowCardinality(String),
    timeframe LowCardinality(String),
    status LowCardinality(String),
    progress UInt8,
    step LowCardinality(String),
    message String CODEC(ZSTD(1)),
    summary String CODEC(ZSTD(3)),
    summary_by LowCardinality(String),
    data String CODEC(ZSTD(3)),
    error String CODEC(ZSTD(1)),
    attempts UInt16,
    cost_usd Decimal(18, 9),
    worker LowCardinality(String),
    created_at DateTime64(3, 'UTC') CODEC(ZSTD(1)),
    updated_at DateTime64(3, 'UTC') CODEC(ZSTD(1)),
    origin String CODEC(ZSTD(1)),
    version Int64 CODEC(T64, ZSTD(1)),
    CONSTRAINT status_known CHECK status IN ('queued', 'processing', 'completed', 'failed', 'cancelled')
)
ENGINE = {replicated}ReplacingMergeTree(version)
ORDER BY analysis_id
SETTINGS index_granularity = 256;

CREATE VIEW IF NOT EXISTS {database}.analysis_jobs_v{on_cluster} AS
SELECT * EXCEPT version
FROM {database}.analysis_jobs FINAL;

-- Asked by analysis_id, one at a time: granules of a few rows, as a row is some hundred kilobytes.
CREATE TABLE IF NOT EXISTS {database}.analysis_charts{on_cluster}
(
    analysis_id String CODEC(ZSTD(1)),
    svg_light String CODEC(ZSTD(3)),
    svg_dark String CODEC(ZSTD(3)),
    png_light String CODEC(NONE),
    png_dark String CODEC(NONE),
    created_at DateTime64(3, 'UTC') CODEC(ZSTD(1)),
    version Int64 CODEC(T64, ZSTD(1))
)
ENGINE = {replicated}ReplacingMergeTree(version)
ORDER BY analysis_id
SETTINGS index_granularity = 8;

CREATE VIEW IF NOT EXISTS {database}.analysis_charts_v{on_cluster} AS
SELECT * EXCEPT version
FROM {database}.analysis_charts FINAL;
