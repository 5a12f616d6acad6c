-- Runs: live traffic, and each reading of history.

CREATE TABLE IF NOT EXISTS {database}.runs{on_cluster}
(
    run_id String,
    kind LowCardinality(String),
    topic LowCardinality(String),
    `from` String,
    `to` String,
    settings String CODEC(ZSTD(1)),
    status LowCardinality(String),
    records UInt64,
    cost_usd Decimal(18, 9),
    started_at DateTime64(3, 'UTC'),
    finished_at Nullable(DateTime64(3, 'UTC')),
    promoted_at Nullable(DateTime64(3, 'UTC')),
    version Int64
)
ENGINE = {replicated}ReplacingMergeTree(version)
ORDER BY run_id;

CREATE VIEW IF NOT EXISTS {database}.runs_v{on_cluster} AS
SELECT * EXCEPT version
FROM {database}.runs FINAL;
