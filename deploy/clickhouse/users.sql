-- Users of ClickHouse with no more than they need. Put passwords in, and run once as somebody with access management:
--   clickhouse client --multiquery < deploy/clickhouse/users.sql

CREATE DATABASE IF NOT EXISTS signalmill;

-- Runs migrations, writes rows, reads what it wrote. May drop nothing but what a view is replaced by.
CREATE USER IF NOT EXISTS signalmill IDENTIFIED WITH sha256_password BY 'change me'
    SETTINGS max_memory_usage = 4000000000;
GRANT SELECT, INSERT, CREATE TABLE, CREATE VIEW, ALTER TABLE, DROP VIEW ON signalmill.* TO signalmill;
GRANT CREATE DATABASE ON signalmill.* TO signalmill;

-- Dashboards and people: read only.
CREATE USER IF NOT EXISTS grafana IDENTIFIED WITH sha256_password BY 'change me too'
    SETTINGS readonly = 2, max_execution_time = 30, max_memory_usage = 2000000000;
GRANT SELECT ON signalmill.* TO grafana;
