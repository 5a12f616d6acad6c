-- Paid answers: the same question is never paid for again, by anybody, in any run. Asked by key, some hundreds at a time.
--
-- Identity: key, which is made of content, prompt, schema, model and parameters. Kept for good: asking history again
-- must cost nothing. Where one question was answered twice after all (its first answer was lost in a crash and came
-- to light later), the newest counts.

CREATE TABLE IF NOT EXISTS {database}.paid_answers{on_cluster}
(
    `key` String CODEC(ZSTD(1)),
    provider LowCardinality(String),
    model LowCardinality(String),
    text String CODEC(ZSTD(3)),
    input_tokens Int64 CODEC(T64, ZSTD(1)),
    output_tokens Int64 CODEC(T64, ZSTD(1)),
    cost_usd Decimal(18, 9) CODEC(T64, ZSTD(1)),
    at DateTime64(3, 'UTC') CODEC(T64, ZSTD(1)),
    version Int64 CODEC(T64, ZSTD(1))
)
ENGINE = {replicated}ReplacingMergeTree(version)
ORDER BY `key`
SETTINGS index_granularity = 1024;

CREATE VIEW IF NOT EXISTS {database}.paid_answers_v{on_cluster} AS
SELECT * EXCEPT version
FROM {database}.paid_answers FINAL;
