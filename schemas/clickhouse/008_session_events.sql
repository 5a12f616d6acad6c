-- What somebody decided about sessions, each decision once.
CREATE VIEW IF NOT EXISTS {database}.session_events_v{on_cluster} AS
SELECT *
FROM {database}.session_events FINAL;
