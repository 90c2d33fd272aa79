#!/bin/sh
# Make the secrets that docker-compose.yml mounts: `secrets.sh FOLDER`. Those that are there stay.
# The folder is open to its owner alone; the files in it to all, since each container reads them as a user of its own.
set -eu
folder=$1

mkdir -p "$folder"
chmod 700 "$folder"

word() { # 32 letters and digits
  LC_ALL=C tr -dc 'A-Za-z0-9' </dev/urandom | dd bs=32 count=1 2>/dev/null
}

keep() { # FILE TEXT: written whole or not at all
  printf '%s\n' "$2" >"$folder/.new"
  chmod 444 "$folder/.new"
  mv "$folder/.new" "$folder/$1"
}

test -s "$folder/postgres-password" || keep postgres-password "$(word)"
test -s "$folder/grafana-password" || keep grafana-password "$(word)"
test -s "$folder/catalog-url" || keep catalog-url "postgresql://geofence:$(cat "$folder/postgres-password")@postgres:5432/geofence"
