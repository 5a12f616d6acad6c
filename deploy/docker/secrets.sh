#!/usr/bin/env bash
# Makes the files in ./secrets that compose.yml hands to the services: random passwords and an admin's token, and empty
# files for the keys of providers. Files that are there already are left alone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
mkdir -p secrets
chmod 0700 secrets

# put NAME VALUE: writes a secret, unless there is one. Containers read it as other users; the folder keeps others out. Its
# owner may write it: a key of a provider is put into the empty file.
put() {
    if [ ! -e "secrets/$1" ]; then
        printf '%s' "$2" >"secrets/$1"
        chmod 0644 "secrets/$1"
    fi
}

random() {
    od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}

put clickhouse_password "$(random)"
put clickhouse_grafana_password "$(random)"
put grafana_admin_password "$(random)"
put api_tokens "$(random)=admin:admin"
for key in gemini_api_key tavily_api_key coinalyze_api_keys; do
    put "$key" ""
done
echo "the page's token: $(cut -d= -f1 secrets/api_tokens)"
echo "Grafana's password (user admin): $(cat secrets/grafana_admin_password)"
