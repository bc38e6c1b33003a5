"""Signing keys: one signs, posts know the old and the new one meanwhile, a revoked one is gone."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from kengd.errors import KengdError, UsageError
from kengd.hub.authority.authority import Authority
from kengd.wire.signing import KeyRing, check, public_text, read_private_key, sign
from tests.hub.authority_kit import NOW_MS, begin, wish


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """A commune whose first key is `a`."""
    return Authority.begin(
        tmp_path / "authority", "cong-lac", "Xã Cộng Lạc", ["10.0.0.1", "127.0.0.1"], NOW_MS, kid="a"
    )


def states(authority: Authority) -> list[tuple[str, str]]:
    """(kid, state) of all."""
    return [(key.kid, key.state) for key in authority.index.keys]


def code(call: object, *arguments: object) -> str:
    """The code of the error that a call raises."""
    with pytest.raises(UsageError) as wrong:
        call(*arguments)  # type: ignore[operator]
    assert wrong.value.cure
    return wrong.value.code


def test_a_key_is_changed_with_an_overlap(authority: Authority) -> None:
    """New key into the files; then it signs; the old one is still believed; then it is gone."""
    authority.enrol(wish("thon-1"), NOW_MS)
    authority.new_key("b", NOW_MS)
    assert (states(authority), authority.signing()[0]) == ([("a", "active"), ("b", "next")], "a")
    assert authority.enrol(wish("thon-2"), NOW_MS).kids == ("a", "b")
    assert authority.posts_without("b") == ("thon-1",)
    authority.enrol(wish("thon-1"), NOW_MS)
    assert authority.posts_without("b") == ()
    assert authority.retire("a", NOW_MS) == "b"
    assert (states(authority), authority.signing()[0]) == ([("a", "retiring"), ("b", "active")], "b")
    assert list(authority.public_keys()) == ["b", "a"]
    assert authority.revoke_key("a", NOW_MS) == "b"
    assert (states(authority), list(authority.public_keys())) == ([("a", "revoked"), ("b", "active")], ["b"])
    assert authority.enrol(wish("thon-1"), NOW_MS).kids == ("b",)


def test_a_revoked_key_is_destroyed_and_its_name_never_used_again(authority: Authority) -> None:
    """What was stolen must not come back under the same name."""
    authority.new_key("b", NOW_MS)
    authority.revoke_key("a", NOW_MS)
    assert [path.name for path in (authority.ca_file.parent / "signing").iterdir()] == ["b.pem"]
    assert authority.revoke_key("a", NOW_MS) == "b"
    assert (code(authority.new_key, "a", NOW_MS), code(authority.new_key, "A", NOW_MS)) == ("kid_taken", "kid_taken")


def test_the_hub_is_never_left_without_a_key(authority: Authority) -> None:
    """The one that signs goes only when another one can take its place."""
    assert code(authority.retire, "a", NOW_MS) == "no_successor"
    assert code(authority.revoke_key, "a", NOW_MS) == "no_successor"
    assert code(authority.retire, "x", NOW_MS) == "unknown_kid"
    authority.new_key("b", NOW_MS)
    assert code(authority.retire, "b", NOW_MS) == "not_active"
    assert authority.revoke_key("a", NOW_MS) == "b"


def test_names_and_numbers_of_keys_are_bounded(authority: Authority) -> None:
    """A post's settings bear sixteen keys; a name becomes a file's."""
    for kid in ("", "..", ".x", "-x", "a/b", "khoá", "x" * 65, "a b"):
        assert code(authority.new_key, kid, NOW_MS) == "bad_kid"
    for number in range(7):
        authority.new_key(f"k{number}", NOW_MS)
    assert code(authority.new_key, "k7", NOW_MS) == "too_many_keys"
    assert code(authority.new_key, "k7", 0) == "clock_wrong"


def test_keys_are_pkcs8_for_the_owner_only(authority: Authority) -> None:
    """P12: 0600 in a directory 0700, Ed25519."""
    path = authority.ca_file.parent / "signing" / "a.pem"
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert public_text(read_private_key(path.read_bytes())) == authority.public_keys()["a"]


def test_another_process_sees_a_change_at_once(authority: Authority) -> None:
    """The shell changes a key while the service runs."""
    service = Authority.open(authority.ca_file.parent)
    assert service.signing()[0] == "a"
    authority.new_key("b", NOW_MS)
    authority.retire("a", NOW_MS)
    kid, key = service.signing()
    assert (kid, public_text(key)) == ("b", service.public_keys()["b"])


def test_a_key_file_that_was_swapped_is_not_believed(authority: Authority) -> None:
    """The index says which key it is."""
    authority.new_key("b", NOW_MS)
    place = authority.ca_file.parent / "signing"
    (place / "a.pem").write_bytes((place / "b.pem").read_bytes())
    with pytest.raises(KengdError) as wrong:
        authority.signing()
    assert wrong.value.code == "authority_broken"


class Rotation(RuleBasedStateMachine):
    """Any order of new, retire and revoke."""

    @initialize()
    def begin(self) -> None:
        """One commune per run."""
        import tempfile

        self.room = tempfile.TemporaryDirectory()
        self.authority = begin(Path(self.room.name) / "authority")
        self.gone: set[str] = set()

    @rule(kid=st.sampled_from("abcd"), act=st.sampled_from(["new_key", "retire", "revoke_key"]))
    def act(self, kid: str, act: str) -> None:
        """Try; an error changes nothing."""
        before = self.authority.index
        try:
            getattr(self.authority, act)(kid, NOW_MS)
        except UsageError:
            assert self.authority.index == before
        else:
            self.gone |= {kid} if act == "revoke_key" else set()

    @invariant()
    def one_signs_and_is_believed(self) -> None:
        """Exactly one active key, in the files, with its file; revoked ones nowhere."""
        index = self.authority.index
        assert [key.state for key in index.keys].count("active") == 1
        kid, key = self.authority.signing()
        assert check(sign(b"x", kid, key), KeyRing(self.authority.public_keys())).kid == kid
        assert not self.gone & self.authority.public_keys().keys()
        files = {path.stem for path in (self.authority.ca_file.parent / "signing").iterdir()}
        assert files == set(self.authority.public_keys())

    def teardown(self) -> None:
        """Away with it."""
        self.room.cleanup()


TestRotation = Rotation.TestCase
TestRotation.settings = settings(max_examples=12, stateful_step_count=12, deadline=None)
