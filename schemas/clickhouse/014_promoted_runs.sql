-- A promoted run: the reading views show it in place of live traffic, wherever live traffic says nothing newer.
--
-- At most one run is promoted, the one of the newest promoted_at; promoting `live` takes it back. What is shown of a key is
-- its newest version, and of equal ones the run's. Where nothing is promoted the sets are empty, which the front of the
-- sort key finds without reading a row.

CREATE VIEW IF NOT EXISTS {database}.promoted_runs_v{on_cluster} AS
SELECT run_id
FROM
(
    SELECT run_id
    FROM {database}.runs FINAL
    WHERE promoted_at IS NOT NULL
    ORDER BY promoted_at DESC, run_id
    LIMIT 1
)
WHERE run_id != 'live';

CREATE VIEW IF NOT EXISTS {database}.promoted_signals_v{on_cluster} AS
SELECT kind, source_id, strategy
FROM {database}.signals
WHERE run_id IN (
    SELECT arrayJoin(['live', run_id]) FROM {database}.promoted_runs_v)
GROUP BY kind, source_id, strategy
HAVING argMax(run_id, (version, run_id != 'live')) != 'live';

CREATE OR REPLACE VIEW {database}.signals_v{on_cluster} AS
SELECT * EXCEPT version
FROM {database}.signals FINAL
WHERE (run_id = 'live'
        AND (kind, source_id, strategy) NOT IN (
            SELECT kind, source_id, strategy FROM {database}.promoted_signals_v))
    OR (run_id IN (SELECT run_id FROM {database}.promoted_runs_v)
        AND (kind, source_id, strategy) IN (
            SELECT kind, source_id, strategy FROM {database}.promoted_signals_v));

CREATE VIEW IF NOT EXISTS {database}.promoted_analyses_v{on_cluster} AS
SELECT article_id
FROM {database}.article_analyses
WHERE run_id IN (
    SELECT arrayJoin(['live', run_id]) FROM {database}.promoted_runs_v)
GROUP BY article_id
HAVING argMax(run_id, (version, run_id != 'live')) != 'live';

CREATE OR REPLACE VIEW {database}.article_analyses_v{on_cluster} AS
SELECT * EXCEPT version
FROM {database}.article_analyses FINAL
WHERE (run_id = 'live'
        AND article_id NOT IN (SELECT article_id FROM {database}.promoted_analyses_v))
    OR (run_id IN (SELECT run_id FROM {database}.promoted_runs_v)
        AND article_id IN (SELECT article_id FROM {database}.promoted_analyses_v));
