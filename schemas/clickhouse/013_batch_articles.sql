-- Which articles a batch has: so that it is known who waits in a session, before anything became of them. And the
-- attempts at an article, and what was spent on it, are found without reading the whole trail.

ALTER TABLE {database}.batch_processing_sessions{on_cluster}
    ADD COLUMN IF NOT EXISTS article_ids Array(String) DEFAULT [] CODEC(ZSTD(1)) AFTER articles_screened;

ALTER TABLE {database}.batch_processing_records{on_cluster}
    ADD INDEX IF NOT EXISTS of_article article_id TYPE bloom_filter GRANULARITY 1;

ALTER TABLE {database}.spend{on_cluster}
    ADD INDEX IF NOT EXISTS of_article article_id TYPE bloom_filter GRANULARITY 1;
