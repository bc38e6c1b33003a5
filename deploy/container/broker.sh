#!/bin/sh
# mosquitto with the settings that the hub writes into the directory $1; begun anew when they change. A restart, not a reload:
# only that ends the open session of a post that was revoked. Posts and hub are back within a second, nothing is lost.
set -u
place=$1
broker=
trap 'trap - TERM INT; [ -z "$broker" ] || { kill -TERM "$broker"; wait "$broker"; }; exit 0' TERM INT

marks() { cat "$place/mosquitto.conf" "$place/acl" "$place/crl.pem" "$place/server.pem" 2>/dev/null | cksum; }

pause() {
    sleep "$1" &
    wait $!
}

if [ ! -e "$place/mosquitto.conf" ]; then
    echo 'Chưa lập máy trực ban: docker compose run --rm setup --commune … --name … --address …' >&2
    until [ -e "$place/mosquitto.conf" ]; do pause 1; done
    pause 1
fi
while :; do
    before=$(marks)
    mosquitto -c "$place/mosquitto.conf" &
    broker=$!
    while kill -0 "$broker" 2>/dev/null && [ "$(marks)" = "$before" ]; do pause 1; done
    if ! kill -0 "$broker" 2>/dev/null; then
        wait "$broker"
        exit $?
    fi
    pause 1 # several files are written one after the other
    kill -TERM "$broker"
    wait "$broker"
done
