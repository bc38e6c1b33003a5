"""What clients may send about officers, their secrets and their devices: every field bounded."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from kengd.hub.desk.forms import Channels, Form, Moment, Phone, PinText, Rank, Secret, Words
from kengd.hub.people.words import Role

Login = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class SignIn(Form):
    """Who, and on which device."""

    login: Login
    password: Secret
    device: Annotated[str, StringConstraints(max_length=200)] = ""


class Pin(Form):
    """A PIN, or the password where there is none."""

    pin: Secret


class NewPassword(Form):
    """One's own."""

    old: Secret
    new: Secret


class OwnPin(Form):
    """One's own; None: the password is asked for instead."""

    password: Secret
    pin: PinText | None = None


class NewToken(Form):
    """For a machine. `until_ms` None: until it is revoked."""

    name: Words
    role: Role = "duty"
    until_ms: Moment | None = None


class OfficerForm(Form):
    """A new officer."""

    login: Login
    name: Words
    role: Role
    phone: Phone = ""
    channels: Channels = Field(default=[])


class OfficerChange(Form):
    """What is not None changes."""

    name: Words | None = None
    role: Role | None = None
    phone: Phone | None = None
    rank: Rank | None = None
    channels: Channels | None = None


class KeeperPin(Form):
    """Six digits; None takes it away."""

    pin: PinText | None
