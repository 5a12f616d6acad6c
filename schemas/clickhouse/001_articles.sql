-- Articles and what was read in them.
--
-- Identity: (run_id, article_id). The same article with another text is a new version of the same row, and the
-- views show the newest. No month partitions: the month of an article is no function of its identity (a publisher
-- corrects a date), so that FINAL would have to merge across them, and an old version could outlive its month.
--
-- Times are spread at random in this order, where T64 (cut the unused high bits) beats Delta.
-- `inserted_at` is the server's own time: retention never depends on a date that a producer wrote.
-- To keep longer or shorter: ALTER TABLE ... MODIFY TTL.

CREATE TABLE IF NOT EXISTS {database}.articles{on_cluster}
(
    run_id LowCardinality(String),
    article_id String CODEC(ZSTD(1)),
    title String CODEC(ZSTD(3)),
    text String CODEC(ZSTD(3)),
    publisher LowCardinality(String),
    url String CODEC(ZSTD(1)),
    published_at DateTime64(3, 'UTC') CODEC(T64, ZSTD(1)),
    date_inferred Bool,
    received_at DateTime64(3, 'UTC') CODEC(T64, ZSTD(1)),
    language LowCardinality(String),
    text_chars UInt32 CODEC(T64, ZSTD(1)),
    content_hash String CODEC(ZSTD(1)),
    screen LowCardinality(String),
    near_duplicate_of String CODEC(ZSTD(1)),
    origin String CODEC(ZSTD(1)),
    version Int64 CODEC(T64, ZSTD(1)),
    inserted_at DateTime('UTC') DEFAULT now() CODEC(T64, ZSTD(1)),
    INDEX published published_at TYPE minmax GRANULARITY 1,
    INDEX received received_at TYPE minmax GRANULARITY 1
)
ENGINE = {replicated}ReplacingMergeTree(version)
ORDER BY (run_id, article_id)
TTL inserted_at + INTERVAL 2 YEAR;

CREATE VIEW IF NOT EXISTS {database}.articles_v{on_cluster} AS
SELECT * EXCEPT (version, inserted_at)
FROM {database}.articles FINAL
WHERE run_id = 'live';

-- Kept for good: answers are paid for, and asking history again must cost nothing.
CREATE TABLE IF NOT EXISTS {database}.article_analyses{on_cluster}
(
    analysis_id String CODEC(ZSTD(1)),
    article_id String CODEC(ZSTD(1)),
    run_id LowCardinality(String),
    session_id LowCardinality(String),
    batch_id String CODEC(ZSTD(1)),
    analyzer LowCardinality(String),
    model LowCardinality(String),
    prompt_version LowCardinality(String),
    tier LowCardinality(String),
    direction LowCardinality(String),
    sentiment Float64 CODEC(ZSTD(1)),
    confidence Float64 CODEC(ZSTD(1)),
    strength Float64 CODEC(ZSTD(1)),
    horizon LowCardinality(String),
    assets Array(LowCardinality(String)),
    event_type LowCardinality(String),
    key_points Array(String) CODEC(ZSTD(3)),
    rationale String CODEC(ZSTD(3)),
    novelty Float64 CODEC(ZSTD(1)),
    validation_score Nullable(Float64) CODEC(ZSTD(1)),
    sources Array(String) CODEC(ZSTD(3)),
    cost_usd Decimal(18, 9) CODEC(T64, ZSTD(1)),
    input_tokens Int64 CODEC(T64, ZSTD(1)),
    output_tokens Int64 CODEC(T64, ZSTD(1)),
    duration_ms Float64 CODEC(ZSTD(1)),
    analyzed_at DateTime64(3, 'UTC') CODEC(T64, ZSTD(1)),
    published_at DateTime64(3, 'UTC') CODEC(T64, ZSTD(1)),
    received_at DateTime64(3, 'UTC') CODEC(T64, ZSTD(1)),
    near_duplicate_of String CODEC(ZSTD(1)),
    origin String CODEC(ZSTD(1)),
    version Int64 CODEC(T64, ZSTD(1)),
    INDEX analyzed analyzed_at TYPE minmax GRANULARITY 1,
    CONSTRAINT sentiment_range CHECK sentiment >= -1 AND sentiment <= 1,
    CONSTRAINT confidence_range CHECK confidence >= 0 AND confidence <= 1,
    CONSTRAINT strength_range CHECK strength >= 0 AND strength <= 1
)
ENGINE = {replicated}ReplacingMergeTree(version)
ORDER BY (run_id, article_id);

CREATE VIEW IF NOT EXISTS {database}.article_analyses_v{on_cluster} AS
SELECT * EXCEPT version
FROM {database}.article_analyses FINAL
WHERE run_id = 'live';
