"""The posts' certificates: one for the line to the broker, one for the page in the village. Each pair goes out in one file, once."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256

from kengd.errors import UsageError
from kengd.hub.authority import certificates as make
from kengd.hub.authority.enrolment import (
    KEY_NAMES,
    PAGE_KEYS,
    PINS,
    Enrolment,
    PostWish,
    check_wish,
    in_template,
    settings_text,
    with_keys,
)
from kengd.hub.authority.index import Index
from kengd.hub.authority.mending import keep, record
from kengd.hub.authority.naming import check_now, check_page_names, page_name
from kengd.hub.authority.store import Store
from kengd.settings import where
from kengd.settings.dropped import read_dropped
from kengd.settings.find import EXAMPLE, LoadedSettings, read_as
from kengd.settings.overlay import Overlays
from kengd.settings.problems import SettingsError

log = logging.getLogger("kengd.hub.authority")


class PostCertificates:
    """Of one authority. The page's certificate is for servers only: with it nobody is let in at the broker."""

    def __init__(self, at: Store) -> None:
        self._store = at

    def enrol(self, wish: PostWish, now_ms: int, *, keep_old: bool = False) -> Enrolment:
        """The file for a post, with a certificate for its line and one for its page. Those that this post had are revoked (a swapped
        Pi), or stay (`keep_old`: a renewal).

        It was taken apart and checked by the post's own readers. Raises UsageError (see `check_wish`), SettingsError where
        the post could not start with it; then nothing has changed.
        """
        check_now(now_ms)
        with self._store.turn() as index:
            settings, loaded = self._checked(wish, index)
            keys, said = index.usable_keys(), f"{index.commune}/{wish.post_id}"
            ca = self._store.ca()
            pair = make.make_client(ca, wish.post_id, make.POST_DAYS, now_ms)
            names = check_page_names(wish.post_id, wish.page_names, index.server_names, ())
            page = make.make_server(ca, (page_name(wish.post_id), *names), now_ms, make.POST_DAYS)
            parts = (
                ca.certificate_pem(),
                pair.certificate_pem(),
                pair.key_pem(),
                page.certificate_pem(),
                page.key_pem(),
            )
            pems = {name: pem.decode() for name, pem in zip((*KEY_NAMES, *PAGE_KEYS), parts, strict=True)}
            pems |= {PINS: wish.pins} if wish.pins else {}
            text = with_keys(settings, pems)
            dropped = read_dropped(text.encode(), said)
            if dict(dropped.keys) != pems or dropped.settings is None or len(text.encode()) > where.LARGEST_FILE:
                raise UsageError(
                    "bad_template", "mẫu cài đặt quá dài", cure="bớt chú thích trong mẫu", en="the template is too long"
                )
            old = () if keep_old else tuple(one.serial for one in index.valid("post", wish.post_id))
            pages = () if keep_old else tuple(one.serial for one in index.valid("page", wish.post_id))
            new = replace(record(pair, wish.post_id, "post", now_ms), kids=tuple(key.kid for key in keys))
            new_page = replace(record(page, wish.post_id, "page", now_ms), names=names)
            after = index.with_revoked((*old, *pages), now_ms, "re-enrolled").with_issued(new).with_issued(new_page)
            keep(self._store, after, index)
        log.info("enrolled %s, serial %s, %d revoked", said, new.serial, len(old))
        warnings = tuple(warning.vi for warning in loaded.warnings)
        mark = page.certificate.fingerprint(SHA256()).hex()
        return Enrolment(
            wish.post_id, settings, text, pems, new.serial, new.not_after_ms, new.kids, old, warnings, mark
        )

    def would_be(self, wish: PostWish) -> tuple[str, LoadedSettings]:
        """The settings that `enrol` would give, without keys, as the post reads them; nothing is made. Raises as `enrol` does."""
        return self._checked(wish, self._store.index())

    def _checked(self, wish: PostWish, index: Index) -> tuple[str, LoadedSettings]:
        check_wish(wish, index.server_names, [one.subject for one in index.valid("page")])
        settings = settings_text(wish, index.commune, index.usable_keys(), EXAMPLE.read_text("utf-8"))
        try:
            return settings, read_as(settings.encode(), Path(where.SYSTEM_CONFIG), overlays=Overlays())
        except SettingsError as wrong:
            raise in_template(wrong, settings, wish.template or "") from None
