#!/bin/bash
# Runs once, when the container's data is new: a user for Grafana who may read and nothing else.
set -euo pipefail
clickhouse client --user signalmill --password "$(cat /run/secrets/clickhouse_password)" --multiquery <<SQL
CREATE DATABASE IF NOT EXISTS signalmill;
CREATE USER IF NOT EXISTS grafana IDENTIFIED BY '$(cat /run/secrets/clickhouse_grafana_password)'
    SETTINGS readonly = 2, max_execution_time = 30, max_memory_usage = 2000000000;
GRANT SELECT ON signalmill.* TO grafana;
SQL
