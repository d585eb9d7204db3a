"""Codes that people read out over a bad line: Crockford's base 32, which has no I, L, O, U to mishear or misread."""

from __future__ import annotations

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
GROUP = 4  # characters between two hyphens
_MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1", " ": None, "-": None})


def written(number: int, length: int) -> str:
    """The last 5 x `length` bits of `number`, the highest first, in groups of four: "K7QF-2M9X"."""
    letters = "".join(ALPHABET[number >> 5 * place & 31] for place in reversed(range(length)))
    return "-".join(letters[start : start + GROUP] for start in range(0, length, GROUP))


def read(typed: str) -> str:
    """A code as somebody typed it, made comparable: case, blanks, hyphens and O/0, I/L/1 do not matter."""
    return typed.upper().translate(_MISREAD)
