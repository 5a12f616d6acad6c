-- What somebody did about dead letters: sent them again, or put them aside. And where each lies in its `.dlq` topic, and
-- how often its record had been sent again before it died.
--
-- A letter's row is written by the sink, and is not touched: it may be written again at any time (a repeated insert), and
-- would lose whatever was noted in it. So what was done stands in a table of its own, under the identity of the letter and
-- the moment of its death: a record that dies again is a new letter, open again. Of several actions on one letter the
-- newest counts. Nothing is deleted before its time.

ALTER TABLE {database}.dead_letters{on_cluster}
    ADD COLUMN IF NOT EXISTS retries UInt32 DEFAULT 0 CODEC(T64, ZSTD(1)),
    ADD COLUMN IF NOT EXISTS kept_in String DEFAULT '' CODEC(ZSTD(1));

-- `action` is `sending` from before a letter is sent until it has arrived, then `retried`: a command that was killed
-- between the two leaves `sending` behind. `sent_to` is the place (`topic/partition/offset`) where it arrived.
CREATE TABLE IF NOT EXISTS {database}.dead_letter_actions{on_cluster}
(
    topic LowCardinality(String),
    partition Int32,
    offset Int64 CODEC(Delta, ZSTD(1)),
    reason LowCardinality(String),
    letter_at DateTime64(3, 'UTC') CODEC(T64, ZSTD(1)),
    action LowCardinality(String),
    retries UInt32 CODEC(T64, ZSTD(1)),
    sent_to String CODEC(ZSTD(1)),
    at DateTime64(3, 'UTC') CODEC(T64, ZSTD(1)),
    version Int64 CODEC(T64, ZSTD(1)),
    inserted_at DateTime('UTC') DEFAULT now() CODEC(T64, ZSTD(1)),
    CONSTRAINT action_known CHECK action IN ('sending', 'retried', 'dropped')
)
ENGINE = {replicated}ReplacingMergeTree(version)
ORDER BY (topic, partition, offset, reason, letter_at)
TTL inserted_at + INTERVAL 180 DAY;

CREATE VIEW IF NOT EXISTS {database}.dead_letter_actions_v{on_cluster} AS
SELECT * EXCEPT (version, inserted_at)
FROM {database}.dead_letter_actions FINAL;

-- As before, with `state` (`open`, `sending`, `retried`, `dropped`) and how often each letter was sent again so far.
CREATE OR REPLACE VIEW {database}.dead_letters_v{on_cluster} AS
SELECT
    l.topic AS topic,
    l.partition AS partition,
    l.offset AS offset,
    l.key AS key,
    l.reason AS reason,
    l.error AS error,
    l.stage AS stage,
    l.attempts AS attempts,
    l.spent_usd AS spent_usd,
    l.payload AS payload,
    l.headers AS headers,
    l.at AS at,
    l.kept_in AS kept_in,
    greatest(l.retries, a.sent) AS retries,
    if(a.died_at = l.at, toString(a.done), 'open') AS state
FROM {database}.dead_letters AS l FINAL
LEFT JOIN
(
    SELECT
        topic,
        partition,
        offset,
        reason,
        max(letter_at) AS died_at,
        argMax(action, (letter_at, version)) AS done,
        max(retries) AS sent
    FROM {database}.dead_letter_actions
    GROUP BY topic, partition, offset, reason
) AS a ON a.topic = l.topic AND a.partition = l.partition AND a.offset = l.offset AND a.reason = l.reason;
