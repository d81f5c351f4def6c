"""The compiled interner: names into numbers, each different name kept once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from ccstats.readers.asterisk_queue_log.compiled import plain
from ccstats.readers.asterisk_queue_log.octets import hash_of, same_bytes, slot_of

__all__ = ["Names", "intern"]


@plain
def intern(data, begin, end, h, kind, slots, begins, ends, hashes, counts):
    """Number of this name among those of its kind within the chunk; a new one is written down."""
    mask = slots.shape[1] - 1
    slot = slot_of(h, mask)
    while True:
        known = slots[kind, slot]
        if known < 0:
            known = counts[kind]
            counts[kind] += 1
            slots[kind, slot] = known
            begins[kind, known], ends[kind, known], hashes[kind, known] = begin, end, h
            return known
        if hashes[kind, known] == h and same_bytes(data, begins[kind, known], ends[kind, known], data, begin, end):
            return known
        slot = (slot + 1) & mask


@plain
def _absorb(data, begins, ends, hashes, count, slots, offsets, arena, all_hashes, known, numbers):
    mask = len(slots) - 1
    for at in range(count):
        slot = slot_of(hashes[at], mask)
        while True:
            number = slots[slot]
            if number < 0:
                number = known
                slots[slot] = number
                all_hashes[number] = hashes[at]
                place = offsets[number]
                for byte in range(begins[at], ends[at]):
                    arena[place] = data[byte]
                    place += 1
                offsets[number + 1] = place
                known += 1
                break
            if all_hashes[number] == hashes[at] and same_bytes(arena, offsets[number], offsets[number + 1], data, begins[at], ends[at]):
                break
            slot = (slot + 1) & mask
        numbers[at] = number
    return known


@plain
def _rehash(hashes, count, slots):
    mask = len(slots) - 1
    for number in range(count):
        slot = slot_of(hashes[number], mask)
        while slots[slot] >= 0:
            slot = (slot + 1) & mask
        slots[slot] = number


class Names:
    """Different names of one kind over the whole log, each kept once, numbered in the order they appear.

    Examples
    --------
    >>> names = Names()
    >>> names.add(b"support"), names.add(b"sales"), names.add(b"support")
    (0, 1, 0)
    >>> names.texts()
    ['support', 'sales']
    """

    def __init__(self) -> None:
        self.count = 0
        self.offsets = np.zeros(1025, dtype="int64")
        self.arena = np.empty(16_384, dtype="uint8")
        self._hashes = np.empty(1024, dtype="uint64")
        self._slots = np.full(2048, -1, dtype="int32")

    def expect(self, names: int) -> None:
        """Make room for so many names."""
        if names > self.count:
            self._make_room(names - self.count, 20 * names)

    def absorb(self, data: np.ndarray, begins: np.ndarray, ends: np.ndarray, hashes: np.ndarray, count: int) -> np.ndarray:
        """Numbers of the names of a chunk, new ones added."""
        self._make_room(count, int((ends[:count] - begins[:count]).sum()))
        numbers, known = np.empty(count, dtype="int32"), self.count
        self.count = _absorb(data, begins, ends, hashes, count, self._slots, self.offsets, self.arena, self._hashes, known, numbers)
        return numbers

    def add(self, name: bytes) -> int:
        """Return the number of one name, added if it is new."""
        data = np.frombuffer(name, dtype="uint8")
        ends, hashes = np.array([len(name)]), np.array([hash_of(data, 0, len(name))], dtype="uint64")
        return int(self.absorb(data, np.array([0]), ends, hashes, 1)[0])

    def _make_room(self, names: int, size: int) -> None:
        if self.count + names >= len(self._hashes):
            room = int(1.3 * (self.count + names)) + 1024
            self._hashes.resize(room, refcheck=False)
            self.offsets.resize(room + 1, refcheck=False)
        if self.offsets[self.count] + size > len(self.arena):
            self.arena.resize(int(1.3 * (self.offsets[self.count] + size)) + 16_384, refcheck=False)
        if 2 * (self.count + names) > len(self._slots):
            self._slots = np.full(1 << int(4 * (self.count + names)).bit_length() - 1, -1, dtype="int32")
            _rehash(self._hashes, self.count, self._slots)

    def only(self, these: np.ndarray) -> tuple[Names, np.ndarray]:
        """The names among ``these`` (a flag each), numbered anew, and the new number of each old one: -1 of those left out."""
        kept, names = np.flatnonzero(these), Names()
        numbers = np.full(len(these), -1, dtype="int32")
        numbers[kept] = names.absorb(self.arena, self.offsets[kept], self.offsets[kept + 1], self._hashes[kept], len(kept))
        return names, numbers

    def close(self) -> None:
        """No more names come: gives back the memory of finding them."""
        self._hashes, self._slots = self._hashes[:0].copy(), self._slots[:0].copy()

    def array(self) -> Any:
        """All names as one Arrow array of text; the bytes are shared, not copied."""
        offsets, data = pa.py_buffer(self.offsets[: self.count + 1]), pa.py_buffer(self.arena)
        return pa.LargeStringArray.from_buffers(self.count, offsets, data)

    def texts(self, beginning: int = 0) -> list[str]:
        """Names from number ``beginning`` on."""
        bounds, data = self.offsets[beginning : self.count + 1], self.arena
        return [data[bounds[at] : bounds[at + 1]].tobytes().decode() for at in range(len(bounds) - 1)]
