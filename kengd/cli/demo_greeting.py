"""What `kengd demo` says when everything runs: in Vietnamese, with commands that can be copied as they stand."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

from kengd.cli.demo_commune import HOST, KID, DemoCommune, DemoPost
from kengd.cli.demo_hub import first_password_opens


def greeting(commune: DemoCommune) -> str:
    """What runs, three things to try, and how to end it. Every command can be copied as it stands."""
    first, second = commune.posts[:2]
    kengd_call = _kengd_call()
    key = shlex.quote(str(commune.hub_key))
    order = (
        f"--key {key} --kid {KID} --config {shlex.quote(str(second.config))} --post {second.id}"
        " ring alarm --purpose drill --by 'Trực ban' --why 'chạy thử'"
    )
    hub = shlex.quote(str(commune.hub.config))
    pin = commune.hub.keeper_pin.read_text("utf-8").strip()
    posts = "\n".join(f"  {post.name:<36} {post.web}" for post in commune.posts)
    return f"""
Xã Cộng Lạc đang chạy thử trên máy này, chân mô phỏng, không rơ-le nào kêu thật:
  {"máy trực ban Công an xã":<36} {commune.web}
  {"máy chủ MQTT (mosquitto)":<36} {HOST}:{commune.hub.tls_port} (mã hoá), {HOST}:{commune.broker_port} (không mã hoá)
{posts}
{_first_login(commune, f"{kengd_call} --config {hub}")}
Mã PIN của người giữ kẻng ở trang mỗi điểm: {pin} (mọi điểm như nhau). Tập bấm nút: {first.web}/tap-luyen
Tên các điểm kẻng chỉ là ví dụ. Mọi thứ nằm trong {commune.directory} (nhật ký chương trình: thư mục logs).

Thử ba việc, chép lệnh vào một cửa sổ khác:

1. Giữ nút báo động ở {first.village.lower()} một giây rưỡi:
   {_press(first, "alarm", 1500)}
   Dừng kẻng bằng nút dừng:
   {_press(first, "hush", 200)}

2. Công an xã phát lệnh có chữ ký, diễn tập báo động ở {second.village.lower()}, rồi dừng:
   {kengd_call} --config {hub} hub dispatch alarm --purpose drill --post {second.id} --why 'chạy thử'
   {kengd_call} --config {hub} hub hush --all
   Cùng việc ấy không qua máy trực ban:
   {kengd_call} command {order}

3. Đọc sổ kẻng của {first.village.lower()}:
   {kengd_call} --config {shlex.quote(str(first.config))} journal show

Bấm Ctrl-C để dừng tất cả."""


def _first_login(commune: DemoCommune, kengd_call: str) -> str:
    """The first officer's name and password; the demo writes them down, a real hub shows them once. Not one that opens nothing."""
    login, password = commune.hub.first_login.read_text("utf-8").split()
    if first_password_opens(commune.hub):
        return f"Đăng nhập máy trực ban: {login}, mật khẩu lần đầu {password} (lưu ở {commune.hub.first_login})"
    return (
        f"Đăng nhập máy trực ban: {login}, mật khẩu lần đầu đã được đổi. Quên thì đặt lại (in ra mật khẩu mới):\n"
        f"   {kengd_call} hub users password {login}\n"
        f"  (The first password of {login} was changed; the command above sets and prints a new one.)"
    )


def _press(post: DemoPost, button: str, hold_ms: int) -> str:
    body = f'{{"button":"{button}","hold_ms":{hold_ms}}}'
    if shutil.which("curl"):
        return f"curl -sS -X POST -H 'Content-Type: application/json' -d '{body}' {post.web}/sim/press"
    code = (
        "import urllib.request as u; "
        f'print(u.urlopen(u.Request("{post.web}/sim/press", {body.encode()!r}, {{"Content-Type": "application/json"}})).status)'
    )
    return f"{shlex.quote(sys.executable)} -c {shlex.quote(code)}"


def _kengd_call() -> str:
    script = Path(sys.executable).with_name("kengd")
    return shlex.quote(str(script)) if os.access(script, os.X_OK) else f"{shlex.quote(sys.executable)} -m kengd"
