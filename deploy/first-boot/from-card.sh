#!/usr/bin/env bash
# Started by kengd-first-boot.service with the bundle on the boot partition: unpacks it, installs, and leaves on
# that partition what became of it, for an installer with a PC and no terminal.
set -uo pipefail
bundle=$1
boot=$(dirname -- "$bundle")
log=$boot/kengd-cai-dat.txt
rm -rf -- /var/tmp/kengd-card.* # of starts that were cut short
place=$(mktemp -d /var/tmp/kengd-card.XXXXXX)
trap 'rm -rf -- "$place"' EXIT

install_from_card() {
    printf 'Cài kengd từ thẻ: %s, %s\n\n' "$(basename -- "$bundle")" "$(date '+%d/%m/%Y %H:%M')"
    if ! tar -C "$place" --no-same-owner -xf "$bundle"; then
        printf 'lỗi: không mở được bộ cài.\n  cách sửa: chép lại %s từ bản gốc vào thẻ\n' "$(basename -- "$bundle")"
        return 1
    fi
    bash "$place"/kengd-*/deploy/install.sh
}

install_from_card </dev/null >"$place/log" 2>&1
code=$?
if [ "$code" -eq 0 ]; then
    printf '\nKẾT QUẢ: ĐÃ CÀI XONG.\n' >>"$place/log"
else
    printf '\nKẾT QUẢ: CHƯA XONG (mã %s). Làm theo “cách sửa” ở trên rồi bật điện lại.\n' "$code" >>"$place/log"
fi
sed 's/$/\r/' "$place/log" >"$log" # line ends of Windows
sync -f -- "$log"
cat -- "$place/log"
exit "$code"
