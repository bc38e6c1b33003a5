"""From what was ticked on the page to posts. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from kengd.errors import KengdError, UsageError
from kengd.hub.desk.forms import Where
from kengd.hub.roster import Roster


def posts_of(roster: Roster, where: Where) -> tuple[str, ...]:
    """Posts to be rung, each once. "All" are those that villages hear.

    Raises UsageError `one_way`, KengdError `unknown_post`, `unknown_village`, `unknown_group`, `no_posts`.
    """
    _one_way(where)
    known = {post.id for post in roster.posts}
    for ids, named, have, vi in (
        (where.posts, "post", known, "điểm kẻng"),
        (where.villages, "village", {item.id for item in roster.villages}, "thôn"),
        (where.groups, "group", set(roster.groups or {}), "nhóm"),
    ):
        if strange := [one for one in ids or () if one not in have]:
            raise KengdError(
                f"unknown_{named}", f"không có {vi} “{strange[0]}”", cure="tải lại trang", en=f"no such {named}"
            )
    return _some(_found(roster, where, everything=[post.id for post in roster.bells()]))


def posts_to_hush(roster: Roster, where: Where) -> tuple[str, ...]:
    """Posts to be hushed. What a stale page still names and is there no more stands in nobody's way; "all" takes in the duty
    room's own. Raises UsageError `one_way`, KengdError `no_posts`."""
    _one_way(where)
    known = {post.id for post in roster.posts}
    found = _found(roster, where, everything=[post.id for post in roster.posts])
    return _some(post for post in found if post in known)


def _found(roster: Roster, where: Where, everything: list[str]) -> list[str]:
    if where.all:
        return everything
    if where.posts is not None:
        return where.posts
    if where.villages is not None:
        return [post.id for post in roster.serving(where.villages)]
    groups = roster.groups or {}
    return [post for group in where.groups or () for post in groups.get(group, ())]


def _one_way(where: Where) -> None:
    if sum((where.posts is not None, where.villages is not None, where.groups is not None, where.all)) != 1:
        raise UsageError(
            "one_way",
            "chọn điểm kẻng theo đúng một cách",
            cure="chỉ gửi một trong: posts, villages, groups, all",
            en="exactly one of posts, villages, groups, all",
        )


def _some(posts: Iterable[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(posts))
    if not found:
        raise KengdError("no_posts", "chưa có điểm kẻng nào ở đó", cure="chọn ít nhất một điểm", en="no posts there")
    return found
