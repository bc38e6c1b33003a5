#!/bin/sh
# Lập máy trực ban của deploy/compose.yaml, một lần. Founds the hub of deploy/compose.yaml, once, as root in its container: the
# directories with their owners, then `kengd hub begin` with what this file was given besides.
#
#   docker compose run --rm setup --commune cong-lac --name 'Cộng Lạc' --address 10.0.0.5
set -eu
umask 022
state=/var/lib/kengd-hub
settings=/etc/kengd
password=$(cat /run/secrets/database-password)

case $password in
'' | *[!0-9A-Za-z]*)
    echo 'lỗi: mật khẩu cơ sở dữ liệu trống hoặc có ký tự khác chữ và số.' >&2
    echo '  cách sửa: (umask 077; openssl rand -hex 24 >database-password)' >&2
    exit 2
    ;;
esac
# mosquitto reads what the hub writes there: the group comes with the directory, and nobody else may look
install -d -m 0751 -o kengd-hub -g kengd-hub "$state"
install -d -m 2750 -o kengd-hub -g mosquitto "$state/broker"
install -d -m 0700 -o mosquitto -g mosquitto "$state/broker/data"
install -d -m 0750 -o kengd-hub -g kengd-hub "$settings"
cd "$state"
exec setpriv --reuid kengd-hub --regid kengd-hub --clear-groups env HOME="$state" \
    kengd --config "$settings/hub.toml" hub begin --state "$state" --broker broker --web 0.0.0.0:8080 --plain-http --workers 2 \
    --database "postgresql://kengd:$password@database/kengd" "$@"
