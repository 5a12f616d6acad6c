#!/usr/bin/env bash
# Prints the rules of deploy/prometheus as one PrometheusRule, for Prometheus' operator: a copy of them would grow old. Usage:
#   deploy/kubernetes/rules.sh [LABEL=VALUE…] | kubectl -n signalmill apply -f -
# Labels are those by which your Prometheus selects its rules, such as release=kube-prometheus-stack.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../prometheus"

labels="app.kubernetes.io/name: signalmill"
for label in "$@"; do
    if [[ $label != ?*=* ]]; then
        echo "rules.sh: $label is no LABEL=VALUE" >&2
        exit 2
    fi
    labels+=", ${label%%=*}: \"${label#*=}\""
done

cat <<YAML
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: signalmill
  labels: {$labels}
spec:
  groups:
YAML
for file in recording.yml alerts.yml; do
    # What stands below `groups:`, as deep as here.
    sed '1,/^groups:$/d' "$file"
done
