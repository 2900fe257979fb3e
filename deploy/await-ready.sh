#!/usr/bin/env bash
# await-ready.sh COMPOSE [ARGUMENT...] waits for 30 s at most until every container of the service api is ready. It fails as soon as
# one of them has ended, with what that one said last.
set -euo pipefail
readonly limit=30

fail() { # fail ID MESSAGE
  echo "$2 Its last lines:" >&2
  docker logs --tail 20 "$1" 2>&1 | awk '!said[$0]++ {print "  " $0}' >&2 # once each: it may have started several times
  echo "Mend it and start again, or remove everything: make clean" >&2
  exit 1
}

inspect() { docker container inspect --format "{{.$1}}" "$2"; }

ids=()
declare -A restarts
for id in $("$@" ps --all --quiet api); do
  [ "$(docker container inspect --format '{{index .Config.Labels "com.docker.compose.oneoff"}}' "$id")" = True ] && continue
  ids+=("$id")
  restarts[$id]=$(inspect RestartCount "$id")
done
[ ${#ids[@]} -gt 0 ] || { echo "there is no container of the service api" >&2; exit 1; }

for id in "${ids[@]}"; do
  until docker exec "$id" /healthcheck >/dev/null 2>&1; do
    status=$(inspect State.Status "$id")
    # What ends is started again and again: between two starts it is restarting, and running for a moment.
    if [ "$status" != running ] || [ "$(inspect RestartCount "$id")" != "${restarts[$id]}" ]; then
      fail "$id" "The API does not start."
    fi
    [ $SECONDS -lt $limit ] || fail "$id" "The API is not ready after $limit s."
    sleep 0.3
  done
done
