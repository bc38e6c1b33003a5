"""`kengd hub …`: the commune hub. Each sub-command's module is imported only when it is called."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable
from typing import Any

from kengd.errors import UsageError

_ROOMS = {
    "serve": "kengd.cli.hub_serve",
    "begin": "kengd.cli.hub_begin",
    "enrol": "kengd.cli.hub_posts",
    "revoke": "kengd.cli.hub_posts",
    "posts": "kengd.cli.hub_posts",
    "village": "kengd.cli.hub_posts",
    "page": "kengd.cli.hub_posts",
    "dispatch": "kengd.cli.hub_dispatch",
    "hush": "kengd.cli.hub_dispatch",
    "incidents": "kengd.cli.hub_incidents",
    "report": "kengd.cli.hub_report",
    "users": "kengd.cli.hub_users",
    "keys": "kengd.cli.hub_keys",
    "backup": "kengd.cli.hub_backup",
    "restore": "kengd.cli.hub_backup",
}
_HELP = {
    "serve": "chạy máy trực ban (dịch vụ của hệ thống)",
    "begin": "lập máy trực ban mới: khoá, chứng thư, máy chủ MQTT, cán bộ đầu tiên",
    "enrol": "làm tệp cài đặt cho một điểm kẻng mới, hoặc cho máy thay thế",
    "revoke": "thu hồi chứng thư của một điểm kẻng",
    "posts": "các điểm kẻng đang thế nào",
    "village": "ghi số hộ của một thôn",
    "page": "ghi địa chỉ trang công khai của một điểm kẻng (mã QR trên tờ nội quy)",
    "dispatch": "phát lệnh đánh kẻng",
    "hush": "dừng kẻng (chỉ tắt tiếng, chưa hết báo động)",
    "incidents": "các vụ việc: xem, nhận xử lý, xin chi viện, kết quả, sửa kết quả, hết báo động, tin báo",
    "report": "báo cáo tháng, quý, năm ra tệp Excel hoặc trang in; tờ nội quy của một điểm kẻng",
    "users": "cán bộ: thêm, đổi mật khẩu, thôi việc",
    "keys": "khoá ký lệnh và chứng thư",
    "backup": "sao lưu ra một tệp",
    "restore": "khôi phục từ tệp sao lưu",
}
EPILOG = "--config TỆP: tệp cài đặt; không ghi thì là $KENGD_HUB_CONFIG, rồi /etc/kengd/hub.toml"
EPILOGS = {
    "incidents": "list: các vụ đang mở; show: mọi điều đã biết; take: nhận xử lý; support: xin thôn bạn chi viện; "
    "outcome: kết quả; correct: sửa kết quả (bản cũ vẫn giữ); all-clear: hết báo động; call: ghi tin báo. " + EPILOG,
}


def add_parser(subparsers: Any) -> None:
    """Add `hub` with its sub-commands; alone it is `hub serve`."""
    parser = subparsers.add_parser("hub", help="máy trực ban Công an xã", epilog=EPILOG)
    parser.set_defaults(run=run, act="serve")
    acts = parser.add_subparsers(dest="act", metavar="VIỆC")
    for name, said in _HELP.items():
        _options(name, acts.add_parser(name, help=said, description=said, epilog=EPILOGS.get(name, EPILOG)))


def run(args: argparse.Namespace) -> int:
    """Hand over to the sub-command."""
    act = args.act or "serve"
    try:
        room = importlib.import_module(_ROOMS[act])
    except ModuleNotFoundError as missing:
        if missing.name is not None and missing.name.startswith("kengd"):
            raise
        raise UsageError(
            "hub_not_installed",
            f"máy này chưa cài các gói của máy trực ban (thiếu {missing.name})",
            cure="chạy deploy/hub-install.sh, hoặc: pip install 'kengd[hub]'",
            en=f"{missing.name} is not installed",
        ) from missing
    from kengd.cli.hub_cures import at_shell

    with at_shell():
        code: int = room.run(args)
    return code


Add = Callable[..., argparse.Action]


def _options(name: str, parser: argparse.ArgumentParser) -> None:
    adders: dict[str, tuple[Callable[[Add], None], ...]] = {
        "begin": (_begin,),
        "enrol": (_post, _enrol),
        "revoke": (_post, _revoke),
        "posts": (_posts,),
        "village": (_village,),
        "page": (_page,),
        "dispatch": (_order, _dispatch),
        "hush": (_order, _hush),
        "incidents": (_incidents, _answer),
        "report": (_report,),
        "users": (_users,),
        "keys": (_keys,),
        "backup": (_file,),
        "restore": (_restore,),
    }
    for add in adders.get(name, ()):
        add(parser.add_argument)


def _begin(add: Add) -> None:
    add("--commune", required=True, metavar="MÃ", help="mã xã: chữ thường không dấu, ví dụ cong-lac")
    add("--name", required=True, metavar="TÊN", help="tên xã")
    where = "tên hoặc địa chỉ mà điểm kẻng gọi tới; ghi nhiều lần được"
    add("--address", required=True, action="append", metavar="MÁY", help=where)
    add("--state", default="/var/lib/kengd-hub", metavar="THƯ_MỤC", help="nơi giữ sổ và khoá")
    add("--port", type=int, default=8883, metavar="CỔNG", help="cổng của máy chủ MQTT")
    add("--broker", metavar="MÁY", help="máy chủ MQTT, nhìn từ máy này (mặc định là chính máy này)")
    add("--listen", metavar="ĐỊA_CHỈ", help="máy chủ MQTT chỉ nghe ở địa chỉ này (chạy thử)")
    add("--web", default="127.0.0.1:8080", metavar="MÁY:CỔNG", help="trang của máy trực ban")
    plain = "trang không mã hóa dù mở cho máy khác (có máy trung gian lo HTTPS)"
    add("--plain-http", action="store_true", help=plain)
    add("--login", default="quantri", metavar="TÊN", help="tên đăng nhập của cán bộ đầu tiên")
    add("--database", metavar="URL", help="postgresql://…; không ghi thì dùng SQLite")
    add("--workers", type=int, default=1, metavar="SỐ", help="nhiều tiến trình cùng trực trên một PostgreSQL")


def _post(add: Add) -> None:
    add("post", metavar="MÃ", help="mã điểm kẻng, ví dụ cong-lac-1")


def _enrol(add: Add) -> None:
    add("--name", metavar="TÊN", help="tên điểm kẻng (lần đầu phải có)")
    add("--villages", metavar="THÔN,THÔN", help="các thôn nghe kẻng này, cách nhau bằng dấu phẩy")
    add("--page", metavar="URL", help="địa chỉ trang công khai của điểm kẻng, in thành mã QR trên tờ nội quy")
    add("--page-names", metavar="MÁY,MÁY", help="tên, địa chỉ của trang ở mạng thôn, ngoài MÃ.local")
    add("--like", metavar="MÃ", help="chân, chuông, giờ kẻng như điểm này; điểm đã có tệp thì giữ như tệp trước")
    add("--sounder", action="store_true", help="chuông trong phòng trực, không phải kẻng của thôn")
    add("--broker", metavar="MÁY", help="điểm kẻng gọi tới máy nào; không ghi thì địa chỉ đầu tiên trong hub.toml")
    add("--template", metavar="TỆP", help="tệp cài đặt có sẵn chân, chuông, giờ kẻng")
    add("--out", metavar="TỆP", help="ghi ra tệp này (mặc định MÃ.toml)")
    add("--renew", action="store_true", help="chỉ gia hạn: chứng thư cũ vẫn dùng được")


def _revoke(add: Add) -> None:
    add("--why", default="thu hồi", metavar="LÝ_DO")
    add("--retire", action="store_true", help="thôi dùng hẳn điểm này: ra khỏi danh sách, sổ của nó vẫn giữ")


def _posts(add: Add) -> None:
    add("--json", action="store_true", help="mỗi điểm một dòng JSON")


def _village(add: Add) -> None:
    add("name", metavar="TÊN_THÔN")
    add("--households", type=int, required=True, metavar="SỐ_HỘ")


def _page(add: Add) -> None:
    add("post", metavar="MÃ", help="mã điểm kẻng")
    add("url", metavar="URL", help="ví dụ http://10.0.0.11:8080/vi-sao")


def _order(add: Add) -> None:
    add("--post", action="append", default=[], metavar="MÃ", help="điểm kẻng; ghi nhiều lần được")
    add("--village", action="append", default=[], metavar="THÔN", help="mọi điểm của thôn")
    add("--group", action="append", default=[], metavar="NHÓM", help="mọi điểm của nhóm")
    add("--all", action="store_true", help="mọi điểm kẻng của xã")
    _answer(add)


def _answer(add: Add) -> None:
    add("--by", metavar="TÊN", help="ai ra lệnh; không ghi thì là tên đăng nhập")
    add("--json", action="store_true", help="mỗi thay đổi một dòng JSON")
    add("--timeout", type=float, default=20.0, metavar="GIÂY", help="chờ các điểm trả lời bao lâu (20)")


def _dispatch(add: Add) -> None:
    add("signal", metavar="HIỆU_LỆNH", help="ví dụ alarm")
    add("--why", required=True, metavar="LÝ_DO")
    add("--purpose", choices=("actual", "drill", "test"), default="actual", help="thật, diễn tập, kiểm tra")
    add("--at", type=int, metavar="GIÂY_UNIX", help="cùng bắt đầu lúc này")
    add("--first", metavar="MÃ", help="lần lượt từ điểm này ra xa dần")
    add("--gap", type=int, default=0, metavar="GIÂY", help="cách nhau bao lâu, đi với --first")
    add("--yes", action="store_true", help="đã chắc chắn: báo động thật ở mọi điểm")
    add("--alone-why", metavar="LÝ_DO", help="không có cán bộ thứ hai để xác nhận: vì sao, đi với --yes")


def _hush(add: Add) -> None:
    add("--why", metavar="LÝ_DO")
    add("--lock", action="store_true", help="khoá phát lệnh cho tới khi mở (nút ở thôn vẫn kêu được)")
    add("--unlock", action="store_true", help="mở khoá phát lệnh, không dừng gì")


def _incidents(add: Add) -> None:
    what = ("list", "show", "take", "support", "outcome", "correct", "all-clear", "call")
    add("what", nargs="?", default="list", choices=what, metavar="VIỆC", help="|".join(what))
    add("incident", nargs="?", metavar="MÃ_VỤ", help="mã vụ việc, hoặc mấy chữ đầu của mã")
    add("--all", action="store_true", help="list: cả vụ đã xong trong 31 ngày qua")
    add("--kind", metavar="LOẠI", help="outcome, correct: loại vụ việc, ví dụ theft hoặc 'trộm cắp'")
    add("--done", metavar="VIỆC_ĐÃ_LÀM", help="outcome, correct: đã làm gì")
    add("--done-by", metavar="AI", help="outcome, correct: ai làm")
    add("--text", metavar="NỘI_DUNG", help="outcome, correct: ghi thêm; call: nội dung tin báo")
    add("--village", metavar="THÔN", help="call: ở thôn nào")


def _report(add: Add) -> None:
    add("period", nargs="?", metavar="KỲ", help="2026-11, 2026-Q4 hoặc 2026")
    add("--villages", metavar="THÔN,THÔN", help="chỉ các thôn này (tên hoặc mã); không ghi thì cả xã")
    add("--out", metavar="TỆP", help="TỆP.xlsx (Excel) hoặc TỆP.html (trang in); mặc định bao-cao-keng-KỲ.xlsx")
    add("--superior", default="", metavar="TÊN", help="cơ quan cấp trên, in ở đầu trang")
    add("--number", default="", metavar="SỐ", help="số công văn, in ở đầu trang")
    add("--rules", metavar="MÃ", help="không làm báo cáo mà in tờ nội quy của điểm kẻng này (TỆP.html)")
    add("--phone", default="", metavar="SỐ", help="điện thoại Công an xã, in trên tờ nội quy")


def _users(add: Add) -> None:
    add("what", choices=("list", "add", "password", "end"), metavar="list|add|password|end")
    add("login", nargs="?", metavar="TÊN_ĐĂNG_NHẬP")
    add("--name", metavar="HỌ_TÊN")
    add("--role", default="duty", choices=("duty", "chief", "admin"), help="trực ban, chỉ huy, quản trị")


def _keys(add: Add) -> None:
    what = ("list", "new", "retire", "revoke", "renew", "reader", "bridge")
    add("what", choices=what, metavar="|".join(what))
    add("kid", nargs="?", metavar="TÊN", help="tên khoá; reader: tên máy chỉ xem; bridge (ở huyện, tỉnh): mã xã")
    add("--out", metavar="NƠI", help="reader: thư mục để ghi ca.pem, client.pem, client.key; bridge: tệp")
    add("--end", action="store_true", help="reader, bridge: thu hồi")
    add("--yes", action="store_true", help="retire, revoke: dù có điểm kẻng chưa có khoá mới, sẽ từ chối mọi lệnh")


def _file(add: Add) -> None:
    add("file", metavar="TỆP")
    _passphrase(add)


def _passphrase(add: Add) -> None:
    add("--passphrase-file", metavar="TỆP", help="tệp chứa câu mật khẩu; không ghi thì hỏi ở bàn phím")


def _restore(add: Add) -> None:
    add("file", nargs="?", metavar="TỆP")
    _passphrase(add)
    add("--state", metavar="THƯ_MỤC", help="nơi giữ sổ và khoá; không ghi thì như hub.toml trong bản sao lưu")
    add("--checked", action="store_true", help="đã thu hồi lại xong những gì bị thu hồi sau lúc sao lưu; đi một mình")
