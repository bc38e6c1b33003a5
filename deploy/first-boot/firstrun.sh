#!/bin/bash
# Mẫu cho Raspberry Pi OS bookworm: lần bật điện đầu tiên, thẻ tự cài kengd, không cần mạng, không cần bàn phím.
#
# Cách dùng: ghi thẻ bằng Raspberry Pi Imager (Raspberry Pi OS Lite 64-bit, bookworm), rồi chép vào phân vùng boot của thẻ:
#   kengd-bundle-….tar   bộ cài, do deploy/wheelhouse.sh đóng gói
#   kengd.toml           cài đặt của điểm kẻng này, có khoá nếu xã đã cấp
#   firstrun.sh          tệp này, và thêm vào cuối dòng trong cmdline.txt (vẫn một dòng):
#                          systemd.run=/boot/firmware/firstrun.sh systemd.run_success_action=reboot
#                          systemd.unit=kernel-command-line.target
#                        Nếu đã khai gì trong Imager thì thẻ có sẵn firstrun.sh và cmdline.txt đúng rồi: đừng ghi đè, chỉ dán phần
#                        giữa hai dòng "kengd" bên dưới vào firstrun.sh đó, ngay trên dòng rm -f /boot/firstrun.sh
# Kết quả ghi vào kengd-cai-dat.txt trên chính phân vùng đó, đọc được bằng máy tính Windows.
#
# A sample for Raspberry Pi OS bookworm: this runs before the services do, so it only leaves a unit that installs at the next start.

# ---- kengd: from here …
set -- /boot/firmware/kengd-bundle-*.tar
[ -e "$1" ] &&
    tar -xOf "$1" --wildcards '*/deploy/first-boot/kengd-first-boot.service' >/etc/systemd/system/kengd-first-boot.service
mkdir -p /etc/systemd/system/multi-user.target.wants
ln -sf /etc/systemd/system/kengd-first-boot.service /etc/systemd/system/multi-user.target.wants/
# ---- kengd: … to here

boot=$(dirname -- "$(readlink -f -- "$0")")
rm -f -- "$boot/firstrun.sh"
sed -i 's| systemd\.[^ ]*||g' "$boot/cmdline.txt"
exit 0
