"""One error family: a code for machines, a Vietnamese sentence and a cure for people."""

from __future__ import annotations


class KengdError(Exception):
    """Something a person can put right.

    `code` is stable snake_case for machines; `vi` is the Vietnamese sentence, `cure` the Vietnamese
    sentence that says what to do; `en` the English sentence (logs, second language of pages).
    """

    exit_code = 1

    def __init__(self, code: str, vi: str, *, cure: str = "", en: str = "") -> None:
        super().__init__(en or vi)
        self.code = code
        self.vi = vi
        self.cure = cure
        self.en = en or vi

    def for_people(self) -> str:
        """The error as it is printed on a terminal: code, Vietnamese sentence, cure."""
        lines = [f"lỗi [{self.code}]: {self.vi}"]
        if self.cure:
            lines.append(f"  cách sửa: {self.cure}")
        if self.en and self.en != self.vi:
            lines.append(f"  ({self.en})")
        return "\n".join(lines)


class UsageError(KengdError):
    """Wrong usage or settings: exit code 2 (DESIGN section 8)."""

    exit_code = 2
