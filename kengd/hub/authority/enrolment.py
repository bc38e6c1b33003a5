"""The one file a post is given: its settings complete, and in the table `[keys]` what only it may have. Pure.

`kengd.settings.dropped` takes it apart again on the post; `kengd intake` puts both halves where they belong.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kengd.errors import UsageError
from kengd.hub.authority.index import SigningKey
from kengd.hub.authority.naming import check_page_names, check_post, check_server_names, check_words
from kengd.settings.credentials import PREFIX
from kengd.settings.dropped import TABLE
from kengd.settings.find import toml_of
from kengd.settings.lines import key_lines
from kengd.settings.problems import SettingsError

OURS = frozenset({"post", "broker", "hub", "web", TABLE})
"""Tables that the hub writes; of a template's only `[web]` counts, but for its certificate and PINs."""
TEMPLATE = "mẫu cài đặt"
"""What a template is called when something in it is wrong: it lies nowhere on the post yet."""
MEND_TEMPLATE = "sửa các chỗ trên trong mẫu rồi cấp tệp lại; mẫu đúng: deploy/kengd.example.toml"
KEY_NAMES = ("ca.pem", "broker.pem", "broker.key")
PAGE_KEYS = ("web.pem", "web.key")
PINS = "web.pins"
PAGE_PORT, PAGE_TLS_PORT = 8480, 8443
MOST_VILLAGES = 50
_HEAD = (
    "# Cài đặt của điểm kẻng {post}, do máy trực ban xã cấp. Chép tệp này vào phân vùng boot của thẻ, tên\n"
    "# kengd.toml; máy tự nhận lúc khởi động. Settings of one bell post, made by the commune's hub."
)
_COMMENTED_OUT = re.compile(r"#\s*\[+\s*(?:post|broker|hub|keys)\b")


@dataclass(frozen=True, slots=True)
class PostWish:
    """What the installer knows of a post.

    `broker_host`: as the post will call it, one of the server certificate's names. `template`: TOML with its bell, pins,
    timetable …; None: those of the example. Tables post, broker, hub and keys of a template are replaced. `page_names`: names and
    addresses of its page beside POST.local. `pins`: what `kengd.wire.pin.write_pins` made of its keepers' PINs, "" for none.
    """

    post_id: str
    name: str
    villages: tuple[str, ...]
    broker_host: str
    broker_port: int = 8883
    template: str | None = None
    page_names: tuple[str, ...] = ()
    pins: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """The file as it goes on the card (`text`), and its two halves. It is the only copy of the post's private keys.

    `serial` (hex) and `not_after_ms` of the new certificate; `kids`: signing keys it names; `revoked`: serials of the
    certificates that this one replaces; `warnings`: what the post's own check has to say, one Vietnamese line each.
    `page_fingerprint`: SHA-256 of the page's certificate, hex, as a browser shows it.
    """

    post_id: str
    settings: str
    text: str = field(repr=False)
    keys: Mapping[str, str] = field(repr=False)
    serial: str
    not_after_ms: int
    kids: tuple[str, ...]
    revoked: tuple[str, ...]
    warnings: tuple[str, ...]
    page_fingerprint: str = ""


def check_wish(wish: PostWish, server_names: Sequence[str], posts: Iterable[str] = ()) -> None:
    """`posts`: all that have certificates. Raises UsageError `bad_slug`, `reserved_name`, `bad_name`, `bad_port`, `bad_server_name`,
    `host_not_in_certificate`, `page_name_taken`."""
    check_post(wish.post_id)
    check_words(wish.name, "tên điểm kẻng")
    for village in wish.villages:
        check_words(village, "tên thôn")
    if len(wish.villages) > MOST_VILLAGES:
        raise UsageError("bad_name", f"nhiều hơn {MOST_VILLAGES} thôn", cure="bớt tên thôn", en="too many villages")
    if not 1 <= wish.broker_port <= 65_535:
        raise UsageError("bad_port", f"cổng {wish.broker_port} không đúng", cure="thường là 8883", en="bad port")
    check_page_names(wish.post_id, wish.page_names, server_names, posts)
    host = check_server_names([wish.broker_host])[0]
    if host not in server_names:
        raise UsageError(
            "host_not_in_certificate",
            f"chứng thư của máy chủ không có tên “{host}”, điểm kẻng sẽ không tin máy chủ này",
            cure=f"dùng một trong các tên {', '.join(server_names)}, hoặc thêm tên ấy vào broker.names trong hub.toml "
            "rồi chạy: kengd hub keys renew",
            en=f"the server certificate does not name {host}",
        )


def settings_text(wish: PostWish, commune: str, keys: Sequence[SigningKey], example: str) -> str:
    """The settings without `[keys]`. `example`: the template where the wish has none.

    Raises SettingsError with the line where a template is no TOML, UsageError `bad_template` where its tables cannot be told apart.
    """
    template = example if wish.template is None else wish.template
    try:
        raw = template.encode()
    except UnicodeEncodeError:
        raise _bad_template() from None
    try:
        text, data = toml_of(raw, TEMPLATE)
    except SettingsError as wrong:
        raise in_template(wrong, "", "") from None
    ours = _our_tables(wish, commune, keys, {} if wish.template is None else data.get("web", {}))
    kept = _without_ours(text, keep_head=wish.template is not None)
    whole = f"{_HEAD.format(post=f'{commune}/{wish.post_id}')}\n{kept}\n\n{ours}"
    expected = {name: value for name, value in data.items() if name not in OURS} | tomllib.loads(ours)
    try:
        made = tomllib.loads(whole)
    except tomllib.TOMLDecodeError:
        raise _bad_template() from None
    if made != expected:
        raise _bad_template()
    return whole


def in_template(wrong: SettingsError, whole: str, template: str) -> SettingsError:
    """The same complaints about the template that was given, with its own lines. `whole`: the text they were made about, where
    it is another one (the template with our tables around it)."""
    rows, own = whole.split("\n"), template.split("\n")
    problems = [
        problem if not whole or problem.line is None else replace(problem, line=_own_line(problem.line, rows, own))
        for problem in wrong.problems
    ]
    return SettingsError(TEMPLATE, problems, MEND_TEMPLATE)


def _own_line(line: int, rows: Sequence[str], own: Sequence[str]) -> int | None:
    """Where this line of the whole stands in the template; None: it is one of ours, or stands there more often."""
    text = rows[line - 1] if line <= len(rows) else ""
    places = [number for number, row in enumerate(own, 1) if row == text]
    times = rows[:line].count(text)
    return places[times - 1] if text.strip() and len(places) == rows.count(text) else None


def with_keys(settings: str, keys: Mapping[str, str]) -> str:
    """The whole file. PEM stands between triple quotes as it is; a keeper's name may hold quotes."""
    lines = [
        f"[{TABLE}]",
        "# Khoá riêng của điểm kẻng này. Ai có tệp này thì mạo danh được nó: chép vào thẻ xong thì xoá mọi bản khác.",
        "# This post's own keys: delete every other copy once the file is on the card.",
        *(f'"{name}" = """\n{_escaped(key.strip())}\n"""' for name, key in keys.items()),
    ]
    return settings + "\n" + "\n".join(lines) + "\n"


def _our_tables(wish: PostWish, commune: str, keys: Sequence[SigningKey], web: Any) -> str:
    said = check_server_names([wish.broker_host])[0]
    lines = [
        "[post]",
        f"commune = {_quoted(commune)}",
        f"id = {_quoted(wish.post_id)}",
        f"name = {_quoted(wish.name)}",
        f"villages = [{', '.join(_quoted(village) for village in wish.villages)}]",
        "",
        "[broker]",
        f"host = {_quoted(said)}",
        f"port = {wish.broker_port}",
        *(f'{setting} = "{PREFIX}{name}"' for setting, name in zip(("ca", "cert", "key"), KEY_NAMES, strict=True)),
        "",
        "# Trang của người giữ kẻng, mở từ điện thoại cùng mạng; cổng có mã hoá là tls_port.",
        "[web]",
        *(f"{setting} = {_plain(value)}" for setting, value in _web(web).items()),
        *(f'{setting} = "{PREFIX}{name}"' for setting, name in zip(("cert", "key"), PAGE_KEYS, strict=True)),
        *([f'pins = "{PREFIX}{PINS}"'] if wish.pins else []),
    ]
    for key in keys:
        lines += ["", "[[hub.keys]]", f"kid = {_quoted(key.kid)}", f"public = {_quoted(key.public)}"]
    return "\n".join(lines) + "\n"


def _web(given: Any) -> dict[str, Any]:
    """Where the page listens. `given`: a template's table. Raises UsageError `bad_template`."""
    if not isinstance(given, dict):
        raise _bad_template()
    own = {setting: value for setting, value in given.items() if setting not in ("cert", "key", "pins")}
    taken = own.get("port") == PAGE_TLS_PORT
    return {"host": "0.0.0.0", "port": PAGE_PORT, "tls_port": PAGE_TLS_PORT + taken} | own


def _plain(value: Any) -> str:
    """Also of a setting that is none: the post's own check says so. Raises UsageError `bad_template`."""
    if not isinstance(value, str | int | float) or value in (float("inf"), float("-inf")) or value != value:
        raise _bad_template()
    return _quoted(value)


def own_again(settings: str) -> str:
    """The settings of a file that was given out, as the template of the next one: also of one made before pages had certificates,
    whose page listened where the example's does."""
    if "cert" not in tomllib.loads(settings).get("web", {}):
        return _without_ours(settings, keep_head=False)
    rows = settings.split("\n")
    return "\n".join(rows[_HEAD.count("\n") + 1 :] if rows[0].startswith(_HEAD.partition("{")[0]) else rows)


def _without_ours(text: str, *, keep_head: bool) -> str:
    """The template's lines but those of our tables, each with the comment just above it, and of tables commented out.

    `keep_head`: whether comments before the first setting stay (the example's speak of copying the example).
    """
    rows = text.split("\n")
    owners = _owners(rows, text)
    out: list[str] = []
    for paragraph in _paragraphs(rows, owners):
        comment = all(row.lstrip().startswith("#") for row, _ in paragraph)
        if comment and any(_COMMENTED_OUT.match(row.lstrip()) for row, _ in paragraph):
            continue
        out += [row for row, owner in paragraph if owner not in OURS and (keep_head or owner is not None)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(out)).strip("\n")


def _owners(rows: Sequence[str], text: str) -> list[str | None]:
    """Whose line each is: the top-level key it belongs to, None before the first."""
    begins = {line: str(path[0]) for path, line in sorted(key_lines(text).items(), key=lambda item: len(item[0]))}
    owners: list[str | None] = []
    owner: str | None = None
    for number in range(1, len(rows) + 1):
        if number in begins and begins[number] != owner:
            owner = begins[number]
            for above in range(number - 2, -1, -1):  # the comment just above a table is that table's
                if not rows[above].lstrip().startswith("#") or above + 1 in begins:
                    break
                owners[above] = owner
        owners.append(owner)
    return owners


def _paragraphs(rows: Sequence[str], owners: Sequence[str | None]) -> list[list[tuple[str, str | None]]]:
    """Runs of lines that are all comments or all none, with their owners."""
    found: list[list[tuple[str, str | None]]] = []
    kind: tuple[bool, bool] | None = None
    for row, owner in zip(rows, owners, strict=True):
        now = (row.lstrip().startswith("#"), not row.strip())
        if now != kind:
            found.append([])
            kind = now
        found[-1].append((row, owner))
    return found


def _escaped(key: str) -> str:
    return key.replace("\\", "\\\\").replace('"', '\\"')


def _quoted(text: Any) -> str:
    """A TOML basic string; names were checked to be printable, and JSON's escapes are TOML's too."""
    return json.dumps(text, ensure_ascii=False)


def _bad_template() -> UsageError:
    return UsageError(
        "bad_template",
        "không ghép được mẫu cài đặt này với phần của xã",
        cure="viết mỗi phần của mẫu thành một bảng riêng như tệp deploy/kengd.example.toml, dùng mã UTF-8",
        en="the template's tables cannot be told apart",
    )
