-- The newest analyses are found without reading all of them, and none is kept for ever: half a year the pictures, and two
-- years how each job stood.
--
-- `inserted_at` is the server's own time, as in `articles`: retention never depends on what a producer wrote. What was
-- there before counts from this migration on. To keep longer or shorter: ALTER TABLE ... MODIFY TTL. Rows of before are
-- brought up to it in the background: nobody waits for that.

ALTER TABLE {database}.analysis_jobs{on_cluster}
    ADD INDEX IF NOT EXISTS created created_at TYPE minmax GRANULARITY 1,
    ADD COLUMN IF NOT EXISTS inserted_at DateTime('UTC') DEFAULT now() CODEC(T64, ZSTD(1));

ALTER TABLE {database}.analysis_charts{on_cluster}
    ADD COLUMN IF NOT EXISTS inserted_at DateTime('UTC') DEFAULT now() CODEC(T64, ZSTD(1));

ALTER TABLE {database}.analysis_jobs{on_cluster}
    MODIFY TTL inserted_at + INTERVAL 2 YEAR
    SETTINGS alter_sync = 0;

ALTER TABLE {database}.analysis_charts{on_cluster}
    MODIFY TTL inserted_at + INTERVAL 180 DAY
    SETTINGS alter_sync = 0;

ALTER TABLE {database}.analysis_jobs{on_cluster}
    MATERIALIZE INDEX IF EXISTS created
    SETTINGS mutations_sync = 0;

CREATE OR REPLACE VIEW {database}.analysis_jobs_v{on_cluster} AS
SELECT * EXCEPT (version, inserted_at)
FROM {database}.analysis_jobs FINAL;

CREATE OR REPLACE VIEW {database}.analysis_charts_v{on_cluster} AS
SELECT * EXCEPT (version, inserted_at)
FROM {database}.analysis_charts FINAL;
