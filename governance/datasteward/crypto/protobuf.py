"""As much of the protocol buffers wire format as a Tink keyset needs: varints and length-delimited fields.

Source: https://protobuf.dev/programming-guides/encoding/. Wire types 0 and 2; anything else is refused.
"""

from __future__ import annotations

from collections.abc import Iterable

VARINT = 0
LENGTH_DELIMITED = 2
LONGEST_VARINT = 10

Value = int | bytes


def encode(fields: Iterable[tuple[int, Value]]) -> bytes:
    """Encodes (field number, value) pairs in the order given; zero numbers are left out, as proto3 does."""
    return b"".join(_field(number, value) for number, value in fields if value != 0)


def _field(number: int, value: Value) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3 | VARINT) + _varint(value)
    return _varint(number << 3 | LENGTH_DELIMITED) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


class Message:
    """A decoded message. Raises ValueError when the bytes are no message of these two wire types."""

    def __init__(self, data: bytes) -> None:
        self._fields: dict[int, list[Value]] = {}
        at = 0
        while at < len(data):
            tag, at = _read_varint(data, at)
            value, at = _read_value(data, at, tag & 7)
            self._fields.setdefault(tag >> 3, []).append(value)

    def number(self, field: int) -> int:
        """The last value of a numeric field, 0 when it is absent."""
        value = self._fields.get(field, [0])[-1]
        if not isinstance(value, int):
            raise ValueError(f"Field {field} is not a number.")
        return value

    def all_bytes(self, field: int) -> list[bytes]:
        """Every value of a length-delimited field, in order."""
        values = self._fields.get(field, [])
        found = [value for value in values if isinstance(value, bytes)]
        if len(found) != len(values):
            raise ValueError(f"Field {field} is not length-delimited.")
        return found

    def bytes(self, field: int) -> bytes:
        """The last value of a length-delimited field, empty when it is absent."""
        return (self.all_bytes(field) or [b""])[-1]


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for count, byte in enumerate(data[at : at + LONGEST_VARINT]):
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return value, at + count + 1
    raise ValueError("A number in the message is cut short or too long.")


def _read_value(data: bytes, at: int, wire_type: int) -> tuple[Value, int]:
    if wire_type == VARINT:
        return _read_varint(data, at)
    if wire_type != LENGTH_DELIMITED:
        raise ValueError(f"Wire type {wire_type} has no place in a keyset.")
    length, start = _read_varint(data, at)
    if start + length > len(data):
        raise ValueError("A field of the message is cut short.")
    return data[start : start + length], start + length
