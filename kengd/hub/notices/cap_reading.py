"""An incoming CAP alert, read strictly: bounded, no DTD or entity, version 1.2 only, in the standard's order. Pure.

What comes out can only be *proposed* to the officer. An XML signature is stepped over, not checked: the source is
authenticated by the channel it came through.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final
from xml.parsers import expat

from kengd.hub.notices.cap import (
    NAMESPACE,
    SIGNATURE_NAMESPACE,
    CapAlert,
    CapArea,
    CapError,
    CapInfo,
    CapResource,
    CapValue,
    check_sense,
)
from kengd.hub.notices.cap_grammar import GRAMMAR, Rule, check_text, parse_references

LONGEST: Final = 256 * 1024
_DEEPEST = 6
_MOST_ELEMENTS = 5_000
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_BLOCKS: dict[str, type[CapInfo | CapArea | CapResource]] = {"info": CapInfo, "area": CapArea, "resource": CapResource}


@dataclass(slots=True)
class _Node:
    name: str
    text: list[str] = field(default_factory=list)
    children: list[_Node] = field(default_factory=list)


def parse_cap(data: bytes) -> CapAlert:
    """The alert in a CAP 1.2 document of at most 256 KiB of UTF-8. Raises CapError, and nothing else."""
    if len(data) > LONGEST:
        raise CapError(f"larger than {LONGEST} bytes")
    root, signed = _tree(data)
    if root.name != "alert":
        raise CapError("the document is not an <alert> of CAP 1.2")
    alert = CapAlert(**_fields(root), signed=signed)
    check_sense(alert)
    return alert


def _tree(data: bytes) -> tuple[_Node, bool]:
    reader = _Reader()
    # Told the encoding, expat takes no other from the document; told the separator, it resolves namespaces.
    parser = expat.ParserCreate("utf-8", namespace_separator=" ")
    parser.buffer_text = True
    parser.XmlDeclHandler = reader.declared
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = reader.doctype
    parser.ProcessingInstructionHandler = reader.instruction
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler = reader.characters
    try:
        parser.Parse(data, True)
    except expat.ExpatError as broken:
        raise CapError(f"not XML: {expat.errors.messages.get(broken.code, 'broken')}, line {broken.lineno}") from None
    if reader.root is None:
        raise CapError("no element")
    return reader.root, reader.signed


class _Reader:
    """Collects expat's events into nodes, and refuses what an alert never holds."""

    def __init__(self) -> None:
        self.root: _Node | None = None
        self.signed = False
        self._open: list[_Node] = []
        self._inside_signature = 0
        self._elements = 0

    def declared(self, version: str, encoding: str | None, standalone: int) -> None:
        if version != "1.0" or (encoding or "utf-8").lower() not in ("utf-8", "us-ascii"):
            raise CapError("only XML 1.0 in UTF-8 is read")

    def doctype(self, *_: object) -> None:
        raise CapError("a DTD or entity is not allowed")

    def instruction(self, target: str, data: str) -> None:
        if target != "xml-stylesheet":  # national services send one for browsers; it means nothing here
            raise CapError("a processing instruction is not allowed")

    def start(self, qualified: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > _MOST_ELEMENTS:
            raise CapError("too many elements")
        namespace, _, name = qualified.rpartition(" ")
        if self._inside_signature or (
            namespace == SIGNATURE_NAMESPACE and name == "Signature" and len(self._open) == 1
        ):
            self._inside_signature += 1
            self.signed = True
            if self._inside_signature > 50:
                raise CapError("nested too deeply")
            return
        if namespace != NAMESPACE:
            raise CapError(f"<{name[:40]}> is not of the namespace of CAP 1.2")
        if any(not key.startswith(_XSI + " ") for key in attributes):
            raise CapError(f"<{name[:40]}> has an attribute")
        if len(self._open) >= _DEEPEST:
            raise CapError("nested too deeply")
        node = _Node(name)
        if self._open:
            if self.signed:
                raise CapError("an element after the signature")
            self._open[-1].children.append(node)
        else:
            self.root = node
        self._open.append(node)

    def end(self, _: str) -> None:
        if self._inside_signature:
            self._inside_signature -= 1
        else:
            self._open.pop()

    def characters(self, text: str) -> None:
        if self._open and not self._inside_signature:
            self._open[-1].text.append(text)


def _fields(node: _Node) -> dict[str, Any]:
    """The fields of one block, by the grammar's table. Raises CapError."""
    if "".join(node.text).strip():
        raise CapError(f"text between the elements of <{node.name}>")
    rules = GRAMMAR[node.name]
    places = {rule.element: place for place, rule in enumerate(rules)}
    found: dict[str, list[Any]] = {rule.element: [] for rule in rules}
    at = 0
    for child in node.children:
        place = places.get(child.name)
        if place is None:
            raise CapError(f"<{child.name[:40]}> does not belong into <{node.name}>")
        if place < at:
            raise CapError(f"<{child.name}> stands too late in <{node.name}>")
        at = place
        if len(found[child.name]) >= rules[place].most:
            raise CapError(f"<{child.name}> stands too often in <{node.name}>")
        found[child.name].append(_value(rules[place], child))
    fields: dict[str, Any] = {}
    for rule in rules:
        values = found[rule.element]
        if len(values) < rule.least:
            raise CapError(f"<{rule.element}> is missing in <{node.name}>")
        if rule.most > 1:
            fields[rule.field] = tuple(values)
        elif values:
            fields[rule.field] = values[0]
    return fields


def _value(rule: Rule, node: _Node) -> Any:
    if isinstance(rule.holds, str) and rule.holds in _BLOCKS:
        return _BLOCKS[rule.holds](**_fields(node))
    if rule.holds == "value":
        if [child.name for child in node.children] != ["valueName", "value"] or "".join(node.text).strip():
            raise CapError(f"<{rule.element}> is not a valueName and a value")
        return CapValue(*(_text("text", child) for child in node.children))
    text = _text(rule.holds, node)
    return parse_references(text) if rule.holds == "references" else text


def _text(holds: str | frozenset[str], node: _Node) -> str:
    if node.children:
        raise CapError(f"<{node.name}> holds elements")
    text = "".join(node.text).strip()
    try:
        check_text(holds, text)
    except ValueError as wrong:
        raise CapError(f"<{node.name}> {wrong}") from None
    return text
