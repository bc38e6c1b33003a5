"""The facade: all that the desk and the shell need to know about people."""

from __future__ import annotations

from kengd.hub.people.officers import Officers
from kengd.hub.people.personal import Personal
from kengd.hub.people.tokens import Keepers, Tokens


class People(Tokens, Keepers, Officers, Personal):
    """One of them per process: the limits on wrong passwords are remembered in it."""
