"""What each role may do; and that nobody who is signed in is kept from stopping the sound."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kengd.errors import KengdError, UsageError
from kengd.hub.people.words import ACTS, ROLES, Act, Caller, Officer, Role, lower, may, role_of, shell_caller

DUTY = ["ring", "hush", "acknowledge", "outcome"]
CHIEF = [*DUTY, "ring_all", "people", "silence", "codebook", "audit"]


@pytest.mark.parametrize(
    ("role", "acts"), [("duty", DUTY), ("chief", CHIEF), ("admin", [*CHIEF, "enrol", "keys", "backup", "settings"])]
)
def test_each_role_may_do_exactly_this(role: Role, acts: list[str]) -> None:
    """Trực ban, chỉ huy, quản trị: the whole table."""
    assert {act for act in ACTS if may(role, act)} == set(acts)


def test_a_higher_role_may_all_that_a_lower_one_may() -> None:
    """A chief never has to look for somebody on duty."""
    for less, more in pairwise(ROLES):
        assert all(may(more, act) for act in ACTS if may(less, act))
    assert (lower("admin", "duty"), lower("chief", "chief"), lower("duty", "chief")) == ("duty", "chief", "duty")


@given(role=st.sampled_from(ROLES), must=st.booleans(), locked=st.booleans(), token=st.none() | st.just("t"))
def test_nobody_who_is_signed_in_is_ever_kept_from_hushing(
    role: Role, must: bool, locked: bool, token: str | None
) -> None:
    """Whatever the role, with a first password, on an idle device, through a token."""
    caller = Caller(Officer("cb-1", "an", "An", role, must), role, locked, token=token)
    assert caller.why_not("hush") is None
    caller.require("hush")


@pytest.mark.parametrize(
    ("caller", "act", "code"),
    [
        (Caller(Officer("cb-1", "an", "An", "duty"), "duty"), "ring_all", "not_allowed"),
        (Caller(Officer("cb-1", "an", "An", "admin"), "duty"), "people", "not_allowed"),
        (Caller(Officer("cb-1", "an", "An", "admin", True), "admin"), "ring", "password_must_change"),
        (Caller(Officer("cb-1", "an", "An", "admin"), "admin", True), "acknowledge", "session_locked"),
    ],
)
def test_a_refusal_says_why_and_what_to_do(caller: Caller, act: Act, code: str) -> None:
    """In Vietnamese, with a cure."""
    with pytest.raises(KengdError) as refused:
        caller.require(act)
    assert (refused.value.code, bool(refused.value.vi), bool(refused.value.cure)) == (code, True, True)


def test_the_shell_is_an_admin_whom_no_officer_can_be_called_like() -> None:
    """Its `by` in the audit book holds a colon, which no login and no id does."""
    assert (shell_caller("root").officer.id, shell_caller("root").why_not("keys")) == ("shell:root", None)


def test_only_the_three_roles_exist() -> None:
    """Words from a request."""
    assert [role_of(text) for text in ("duty", "chief", "admin")] == ["duty", "chief", "admin"]
    with pytest.raises(UsageError, match="no such role"):
        role_of("Admin")
