-- Users of ClickHouse with no more than they need. Put passwords in, and run once as somebody with access management:
--   clickhouse client --multiquery < deploy/clickhouse/users.sql
-- Where clickhouse.cluster is set, the database and the users must be on every node, and migrating ON CLUSTER is a right of its
-- own. The same for a cluster that is called main:
--   sed -E 's/^-- On a cluster: //; s/^GRANT/& ON CLUSTER main/; s/^CREATE [A-Z]+ IF NOT EXISTS [a-z]+/& ON CLUSTER main/' \
--     deploy/clickhouse/users.sql | clickhouse client --multiquery
-- Its nodes need Keeper and the macros `shard` and `replica`, as for every replicated table.

CREATE DATABASE IF NOT EXISTS signalmill;

-- Runs migrations, writes rows, reads what it wrote. May drop nothing but what a view is replaced by.
CREATE USER IF NOT EXISTS signalmill IDENTIFIED WITH sha256_password BY 'change me'
    SETTINGS max_memory_usage = 4000000000;
GRANT SELECT, INSERT, CREATE TABLE, CREATE VIEW, ALTER TABLE, DROP VIEW ON signalmill.* TO signalmill;
GRANT CREATE DATABASE ON signalmill.* TO signalmill;
-- On a cluster: GRANT CLUSTER ON *.* TO signalmill;

-- Dashboards and people: read only.
CREATE USER IF NOT EXISTS grafana IDENTIFIED WITH sha256_password BY 'change me too'
    SETTINGS readonly = 2, max_execution_time = 30, max_memory_usage = 2000000000;
GRANT SELECT ON signalmill.* TO grafana;
