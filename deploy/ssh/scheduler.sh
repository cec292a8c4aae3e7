#!/usr/bin/env bash
# A scheduler on this host, for workers on others: scheduler.sh FOLDER [HOST]
# FOLDER is shared by all hosts; it gets the certificate and scheduler.json. HOST is the name or address to listen on.
set -euo pipefail
folder=${1:?usage: scheduler.sh FOLDER [HOST]}
host=${2:-$(hostname -f)}

# Only who can read the key can join, so the folder is yours alone.
mkdir -p "$folder"
chmod 700 "$folder"
if [ ! -s "$folder/key.pem" ]; then
  openssl req -x509 -newkey rsa:2048 -nodes -days 365 -subj /CN=cryoscale \
    -keyout "$folder/key.pem" -out "$folder/cert.pem" 2>/dev/null
  chmod 600 "$folder/key.pem"
fi

exec dask scheduler --host "$host" --port "${PORT:-8786}" --protocol tls \
  --tls-ca-file "$folder/cert.pem" --tls-cert "$folder/cert.pem" --tls-key "$folder/key.pem" \
  --dashboard-address "${DASHBOARD:-127.0.0.1:8787}" --scheduler-file "$folder/scheduler.json"
