-- Sessions: one session is one budget. The audit trail of what was admitted, tried and paid.
--
-- A session's state is the work of several hops at once, and none of them reads before it writes. So each writes what
-- it knows under an identity of its own (a batch, an attempt, a hold, an event), and the view adds them up: there is
-- no counter that a repeated insert could count twice. Nothing here expires: it is the audit trail, and small.

-- Identity: (session_id, run_id, batch_id), one row for each batch. `version` is the time at which the batch closed.
-- The session's own columns have no value here; their place is the view.
CREATE TABLE IF NOT EXISTS {database}.batch_processing_sessions{on_cluster}
(
    session_id LowCardinality(String),
    run_id LowCardinality(String),
    batch_id String CODEC(ZSTD(1)),
    account LowCardinality(String),
    budget_usd Decimal(18, 9) CODEC(T64, ZSTD(1)),
    articles_total UInt32 CODEC(T64, ZSTD(1)),
    articles_screened UInt32 CODEC(T64, ZSTD(1)),
    close_reason LowCardinality(String),
    started_at DateTime64(3, 'UTC') CODEC(T64, ZSTD(1)),
    closed_at DateTime64(3, 'UTC') CODEC(T64, ZSTD(1)),
    session_ends_at DateTime64(3, 'UTC') CODEC(T64, ZSTD(1)),
    version Int64 CODEC(T64, ZSTD(1)),
    status Nullable(String) ALIAS NULL COMMENT 'see batch_processing_sessions_v',
    reserved_usd Nullable(Decimal(18, 9)) ALIAS NULL COMMENT 'see batch_processing_sessions_v',
    spent_usd Nullable(Decimal(18, 9)) ALIAS NULL COMMENT 'see batch_processing_sessions_v',
    in_doubt_usd Nullable(Decimal(18, 9)) ALIAS NULL COMMENT 'see batch_processing_sessions_v',
    articles_analyzed Nullable(UInt64) ALIAS NULL COMMENT 'see batch_processing_sessions_v',
    articles_failed Nullable(UInt64) ALIAS NULL COMMENT 'see batch_processing_sessions_v',
    articles_deferred Nullable(UInt64) ALIAS NULL COMMENT 'see batch_processing_sessions_v',
    updated_at Nullable(DateTime64(3, 'UTC')) ALIAS NULL COMMENT 'see batch_processing_sessions_v',
    finished_at Nullable(DateTime64(3, 'UTC')) ALIAS NULL COMMENT 'see batch_processing_sessions_v'
)
ENGINE = {replicated}ReplacingMergeTree(version)
ORDER BY (session_id, run_id, batch_id);

-- Identity: (session_id, run_id, batch_id, article_id, origin, attempt). The origin is part of it because a batch may
-- hold two versions of one article.
CREATE TABLE IF NOT EXISTS {database}.batch_processing_records{on_cluster}
(
    session_id LowCardinality(String),
    run_id LowCardinality(String),
    batch_id String CODEC(ZSTD(1)),
    article_id String CODEC(ZSTD(1)),
    origin String CODEC(ZSTD(1)),
    attempt Int32 CODEC(T64, ZSTD(1)),
    analysis_id String CODEC(ZSTD(1)),
    status LowCardinality(String),
    error String CODEC(ZSTD(3)),
    analyzer LowCardinality(String),
    cost_usd Decimal(18, 9) CODEC(T64, ZSTD(1)),
    duration_ms Float64 CODEC(ZSTD(1)),
    started_at DateTime64(3, 'UTC') CODEC(T64, ZSTD(1)),
    finished_at DateTime64(3, 'UTC') CODEC(T64, ZSTD(1)),
    version Int64 CODEC(T64, ZSTD(1)),
    CONSTRAINT status_known CHECK status IN ('analyzed', 'failed', 'deferred')
)
ENGINE = {replicated}ReplacingMergeTree(version)
ORDER BY (session_id, run_id, batch_id, article_id, origin, attempt);

CREATE VIEW IF NOT EXISTS {database}.batch_processing_records_v{on_cluster} AS
SELECT * EXCEPT version
FROM {database}.batch_processing_records FINAL;

-- Identity: (session_id, hold_id), one row for each hold: `open` first, its end as a newer version.
CREATE TABLE IF NOT EXISTS {database}.spend{on_cluster}
(
    session_id LowCardinality(String),
    hold_id String CODEC(ZSTD(1)),
    run_id LowCardinality(String),
    account LowCardinality(String),
    article_id String CODEC(ZSTD(1)),
    provider LowCardinality(String),
    model LowCardinality(String),
    operation LowCardinality(String),
    units Int64 CODEC(T64, ZSTD(1)),
    input_tokens Int64 CODEC(T64, ZSTD(1)),
    cached_tokens Int64 CODEC(T64, ZSTD(1)),
    output_tokens Int64 CODEC(T64, ZSTD(1)),
    held_usd Decimal(18, 9) CODEC(T64, ZSTD(1)),
    cost_usd Decimal(18, 9) CODEC(T64, ZSTD(1)),
    outcome LowCardinality(String),
    error String CODEC(ZSTD(1)),
    held_at DateTime64(3, 'UTC') CODEC(T64, ZSTD(1)),
    at DateTime64(3, 'UTC') CODEC(T64, ZSTD(1)),
    version Int64 CODEC(T64, ZSTD(1)),
    INDEX at_range at TYPE minmax GRANULARITY 1,
    CONSTRAINT outcome_known CHECK outcome IN ('open', 'settled', 'lost', 'void', 'in_doubt', 'overrun')
)
ENGINE = {replicated}ReplacingMergeTree(version)
ORDER BY (session_id, hold_id);

CREATE VIEW IF NOT EXISTS {database}.spend_v{on_cluster} AS
SELECT * EXCEPT version
FROM {database}.spend FINAL;

-- What somebody decided about a session: `cancelled`, `stalled`, or `resumed`, which takes either back. The newest counts.
CREATE TABLE IF NOT EXISTS {database}.session_events{on_cluster}
(
    session_id LowCardinality(String),
    at DateTime64(3, 'UTC') CODEC(T64, ZSTD(1)),
    event LowCardinality(String),
    reason String CODEC(ZSTD(1)),
    CONSTRAINT event_known CHECK event IN ('cancelled', 'stalled', 'resumed')
)
ENGINE = {replicated}ReplacingMergeTree
ORDER BY (session_id, at, event);

-- One row for each session. An article counts by its latest attempt; argMax over (attempt, version) makes repeated
-- records harmless without FINAL. A session is open until its period is over and nothing is in flight, and may open again.
CREATE VIEW IF NOT EXISTS {database}.batch_processing_sessions_v{on_cluster} AS
SELECT
    b.session_id AS session_id,
    b.run_id AS run_id,
    multiIf(
        e.event IN ('cancelled', 'stalled'), e.event,
        r.deferred > 0, 'exhausted',
        r.analyzed + r.failed < b.total OR now64(3, 'UTC') < b.ends_at, 'open',
        'completed') AS status,
    b.budget AS budget_usd,
    toDecimal64(s.reserved, 9) AS reserved_usd,
    toDecimal64(s.spent, 9) AS spent_usd,
    toDecimal64(s.in_doubt, 9) AS in_doubt_usd,
    b.total AS articles_total,
    r.analyzed AS articles_analyzed,
    r.failed AS articles_failed,
    r.deferred AS articles_deferred,
    b.batches AS batches,
    b.started AS started_at,
    greatest(b.closed, r.finished, s.changed, e.changed) AS updated_at,
    if(status IN ('completed', 'cancelled'), toNullable(updated_at), NULL) AS finished_at
FROM
(
    SELECT
        session_id,
        argMax(run_id, version) AS run_id,
        argMax(budget_usd, version) AS budget,
        sum(articles_total) AS total,
        count() AS batches,
        min(started_at) AS started,
        max(closed_at) AS closed,
        max(session_ends_at) AS ends_at
    FROM {database}.batch_processing_sessions FINAL
    GROUP BY session_id
) AS b
LEFT JOIN
(
    SELECT
        session_id,
        countIf(latest = 'analyzed') AS analyzed,
        countIf(latest = 'failed') AS failed,
        countIf(latest = 'deferred') AS deferred,
        max(ended) AS finished
    FROM
    (
        SELECT session_id, argMax(status, (attempt, version)) AS latest, max(finished_at) AS ended
        FROM {database}.batch_processing_records
        GROUP BY session_id, run_id, batch_id, article_id, origin
    )
    GROUP BY session_id
) AS r ON r.session_id = b.session_id
LEFT JOIN
(
    SELECT
        session_id,
        sumIf(held_usd, outcome = 'open') AS reserved,
        sumIf(cost_usd, outcome IN ('settled', 'lost', 'overrun')) AS spent,
        sumIf(cost_usd, outcome = 'in_doubt') AS in_doubt,
        max(at) AS changed
    FROM {database}.spend FINAL
    GROUP BY session_id
) AS s ON s.session_id = b.session_id
LEFT JOIN
(
    SELECT session_id, argMax(event, at) AS event, max(at) AS changed
    FROM {database}.session_events
    GROUP BY session_id
) AS e ON e.session_id = b.session_id;
