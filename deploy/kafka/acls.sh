#!/usr/bin/env bash
# Gives signalmill's users what they need at Kafka, and nothing else. Run by somebody who may; running it again changes
# nothing. Usage:
#   deploy/kafka/acls.sh BOOTSTRAP [--command-config FILE]
# Principals and the prefix of the topics come from the environment:
#   WORKER    runs the hops           (User:signalmill; for certificates the subject, such as User:CN=signalmill)
#   PRODUCER  sends articles and files (User:signalmill-producer)
#   PREFIX    kafka.topic_prefix       (none)
# Kafka's own tool is looked for as kafka-acls.sh, or where KAFKA_ACLS says. The topics must be there, or be made by somebody
# who may create them: `signalmill run --no-create` never tries. Only those of a replay are made and deleted by the worker.
set -euo pipefail

bootstrap=${1:?usage: acls.sh BOOTSTRAP [--command-config FILE]}
shift
worker=${WORKER:-User:signalmill}
producer=${PRODUCER:-User:signalmill-producer}
prefix=${PREFIX:-}

# allow PRINCIPAL "OPERATION…" RESOURCE…: adds one rule.
allow() {
    local principal=$1 operations=() operation
    for operation in $2; do
        operations+=(--operation "$operation")
    done
    shift 2
    "${KAFKA_ACLS:-kafka-acls.sh}" --bootstrap-server "$bootstrap" "${config[@]}" --add --force \
        --allow-principal "$principal" "${operations[@]}" "$@"
}
config=("$@")

# Topics of ours begin with these; so do their dead letters.
topics=()
for family in articles. market. analysis. signals spend.ledger; do
    topics+=(--topic "$prefix$family")
done
allow "$worker" "Read Write Describe DescribeConfigs" --resource-pattern-type prefixed "${topics[@]}"
# The groups of the hops, and their transactions, by which offsets and results become durable together.
allow "$worker" "Read Describe" --resource-pattern-type prefixed --group "${prefix}signalmill-"
allow "$worker" "Write Describe" --resource-pattern-type prefixed --transactional-id "${prefix}signalmill-"

# A replay that buys has topics, groups and transactions of its own, and deletes the topics when it is over.
allow "$worker" "Create Delete Read Write Describe DescribeConfigs" \
    --resource-pattern-type prefixed --topic "${prefix}replay."
allow "$worker" "Read Describe" --resource-pattern-type prefixed --group "${prefix}replay."
allow "$worker" "Write Describe" --resource-pattern-type prefixed --transactional-id "${prefix}replay."

inputs=()
for topic in articles.raw market.files analysis.jobs; do
    inputs+=(--topic "$prefix$topic")
done
allow "$producer" "Write Describe" "${inputs[@]}"
