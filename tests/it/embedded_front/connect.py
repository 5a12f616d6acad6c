"""Run by the test `clickhouse_connect_of_python` with the port of an empty engine."""

import datetime
import sys

import clickhouse_connect
from clickhouse_connect.driver.exceptions import DatabaseError


def main(port):
    for compress in (False, "lz4", "gzip"):
        client = clickhouse_connect.get_client(host="127.0.0.1", port=port, compress=compress)
        client.command("DROP TABLE IF EXISTS t")
        client.command(
            "CREATE TABLE t (a UInt64, s String, d DateTime64(3, 'UTC'), n Nullable(Float64),"
            " l Array(LowCardinality(String)), m Map(String, UInt8)) ENGINE = MergeTree ORDER BY a"
        )
        day = datetime.datetime(2024, 1, 2, 3, 4, 5, 678000, tzinfo=datetime.timezone.utc)
        rows = [
            [a, f"text {a}", day, None if a % 2 else a / 3, ["x"] * (a % 3), {"k": a % 256}]
            for a in range(20_000)
        ]
        client.insert("t", rows, column_names=["a", "s", "d", "n", "l", "m"])
        assert client.command("SELECT count() FROM t") == 20_000
        found = client.query("SELECT * FROM t ORDER BY a").result_rows
        assert [list(row[:2]) + list(row[3:]) for row in found] == [r[:2] + r[3:] for r in rows]
        by_parameter = client.query(
            "SELECT s FROM t WHERE a = {a:UInt64} AND s != {s:String}", parameters={"a": 7, "s": "it's"}
        )
        assert by_parameter.result_rows == [("text 7",)]
        assert client.query("SELECT a FROM t WHERE 0").result_rows == []
        limited = client.query("SELECT getSetting('max_threads')", settings={"max_threads": 3})
        assert limited.result_rows == [(3,)]
        with client.query_row_block_stream("SELECT number FROM numbers(500000)") as stream:
            assert sum(len(block) for block in stream) == 500_000
        try:
            client.query("SELECT * FROM nowhere")
        except DatabaseError as error:
            assert "UNKNOWN_TABLE" in str(error)
        else:
            raise AssertionError("a missing table is no error")
        client.close()
    print("all is well")


main(int(sys.argv[1]))
