-- A session's limit is the one of its newest batch or attempt: it may be raised while nothing new comes in, and what
-- waited goes on under it. And each source of an analysis says when it was published.

ALTER TABLE {database}.batch_processing_records{on_cluster}
    ADD COLUMN IF NOT EXISTS budget_usd Decimal(18, 9) DEFAULT 0 CODEC(T64, ZSTD(1));

ALTER TABLE {database}.article_analyses{on_cluster}
    ADD COLUMN IF NOT EXISTS source_dates Array(Nullable(DateTime64(3, 'UTC'))) DEFAULT [] CODEC(ZSTD(1)) AFTER sources;

CREATE OR REPLACE VIEW {database}.batch_processing_records_v{on_cluster} AS
SELECT * EXCEPT version
FROM {database}.batch_processing_records FINAL;

CREATE OR REPLACE VIEW {database}.article_analyses_v{on_cluster} AS
SELECT * EXCEPT version
FROM {database}.article_analyses FINAL
WHERE run_id = 'live';

-- As before, and with the newest limit.
CREATE OR REPLACE VIEW {database}.batch_processing_sessions_v{on_cluster} AS
SELECT
    b.session_id AS session_id,
    b.run_id AS run_id,
    multiIf(
        e.event IN ('cancelled', 'stalled'), e.event,
        r.deferred > 0, 'exhausted',
        r.analyzed + r.failed < b.total OR now64(3, 'UTC') < b.ends_at, 'open',
        'completed') AS status,
    if(r.budget_version > b.version, r.budget, b.budget) AS budget_usd,
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
        argMax(run_id, batch_processing_sessions.version) AS run_id,
        argMax(budget_usd, batch_processing_sessions.version) AS budget,
        max(batch_processing_sessions.version) AS version,
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
        max(ended) AS finished,
        argMax(last_budget, last_version) AS budget,
        max(last_version) AS budget_version
    FROM
    (
        SELECT
            session_id,
            argMax(status, (attempt, version)) AS latest,
            max(finished_at) AS ended,
            argMaxIf(budget_usd, version, budget_usd > 0) AS last_budget,
            maxIf(version, budget_usd > 0) AS last_version
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
