#!/usr/bin/env bash
# Worker processes on this host, for the scheduler that scheduler.sh started: worker.sh FOLDER WORKERS MEMORY
# FOLDER is the scheduler's, WORKERS the number of processes, MEMORY that of each, as in 4GiB.
set -euo pipefail
usage="usage: worker.sh FOLDER WORKERS MEMORY"
folder=${1:?$usage} workers=${2:?$usage} memory=${3:?$usage}

# A tile's values live in its task, where Dask cannot spill them, and a paused worker would wait for nothing.
export DASK_DISTRIBUTED__WORKER__MEMORY__TARGET=False
export DASK_DISTRIBUTED__WORKER__MEMORY__SPILL=False
export DASK_DISTRIBUTED__WORKER__MEMORY__PAUSE=False
export OMP_NUM_THREADS=1

exec dask worker --scheduler-file "$folder/scheduler.json" --nworkers "$workers" --nthreads 1 --memory-limit "$memory" \
  --tls-ca-file "$folder/cert.pem" --tls-cert "$folder/cert.pem" --tls-key "$folder/key.pem" \
  --death-timeout 120 --no-dashboard --dashboard-address 127.0.0.1:0
