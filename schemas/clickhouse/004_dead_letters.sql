-- Dead letters: records that could not be processed, with their original bytes.
--
-- Identity: (topic, partition, offset, reason) of the original record. `key` and the values of `headers` are bytes too:
-- a String of ClickHouse holds any. Headers are pairs of name and value, in their order; names may repeat.
-- Half a year, counted from the insert, is time enough to retry one.

CREATE TABLE IF NOT EXISTS {database}.dead_letters{on_cluster}
(
    topic LowCardinality(String),
    partition Int32,
    offset Int64 CODEC(Delta, ZSTD(1)),
    key Nullable(String) CODEC(ZSTD(1)),
    reason LowCardinality(String),
    error String CODEC(ZSTD(3)),
    stage LowCardinality(String),
    attempts Int32 CODEC(T64, ZSTD(1)),
    spent_usd Decimal(18, 9) CODEC(T64, ZSTD(1)),
    payload String CODEC(ZSTD(3)),
    headers Array(Tuple(String, String)) CODEC(ZSTD(1)),
    at DateTime64(3, 'UTC') CODEC(T64, ZSTD(1)),
    version Int64 CODEC(T64, ZSTD(1)),
    inserted_at DateTime('UTC') DEFAULT now() CODEC(T64, ZSTD(1))
)
ENGINE = {replicated}ReplacingMergeTree(version)
ORDER BY (topic, partition, offset, reason)
TTL inserted_at + INTERVAL 180 DAY;

CREATE VIEW IF NOT EXISTS {database}.dead_letters_v{on_cluster} AS
SELECT * EXCEPT (version, inserted_at)
FROM {database}.dead_letters FINAL;
