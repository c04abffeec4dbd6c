"""E6: a nonce never repeats under a key, in threads and after a fork either."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from datasteward.crypto import Key, Keyset, KeysetKind, StreamCipher
from datasteward.crypto.streams import _Segments

FORKING = """
import json, os, random, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

if "a generator in the process" in sys.argv:
    os.urandom = random.Random(7).randbytes

from datasteward.crypto import FieldCipher, Key, Keyset, KeysetKind, StreamCipher

fields = FieldCipher(Keyset.random(KeysetKind.FIELDS))
streams = StreamCipher(Keyset.random(KeysetKind.OBJECTS))

def draw(_):
    headers = [next(streams.encrypt([b""], b"")) for _ in range(125)]
    return {
        "iv": [fields.encrypt(b"words", b"")[5:17].hex() for _ in range(500)],
        "salt": [header[1:33].hex() for header in headers],
        "nonce prefix": [header[33:].hex() for header in headers],
        "key": [Key.random().secret.hex() for _ in range(25)],
    }

def told(name):
    with ThreadPoolExecutor(4) as pool:
        Path(sys.argv[1], name).write_text(json.dumps(list(pool.map(draw, range(4)))))

Path(sys.argv[1], "before").write_text(json.dumps([draw(0)]))
children = []
for name in ("one", "two"):
    child = os.fork()
    if not child:
        told(name)
        os._exit(0)
    children.append(child)
told("parent")
sys.exit(any(os.waitpid(child, 0)[1] for child in children))
"""


def repeated(directory: Path, *how: str) -> dict[str, int]:
    """How many IVs, salts, nonce prefixes and keys came up more than once in a process and its two children."""
    subprocess.run([sys.executable, "-c", FORKING, str(directory), *how], check=True, timeout=60)
    draws = [draw for path in directory.iterdir() for draw in json.loads(path.read_text())]
    assert len(draws) == 13
    counted = {name: Counter(value for draw in draws for value in draw[name]) for name in draws[0]}
    assert counted["iv"].total() == 13 * 500
    return {name: values.total() - len(values) for name, values in counted.items()}


def test_e6_nothing_is_drawn_twice_in_threads_and_after_a_fork(tmp_path: Path) -> None:
    """A process that has sealed already and two children of it, four threads each, share no IV, salt, prefix or key."""
    assert repeated(tmp_path) == {"iv": 0, "salt": 0, "nonce prefix": 0, "key": 0}


def test_e6_a_generator_in_the_process_is_found_out(tmp_path: Path) -> None:
    """The check finds what it is for: a generator whose state a fork copies makes the children repeat one another."""
    assert min(repeated(tmp_path, "a generator in the process").values()) > 0


def test_e6_the_salts_and_nonces_of_a_stream_are_drawn_anew_each_time() -> None:
    """Sealing the same thing again under the same key shares neither salt nor nonce prefix."""
    cipher = StreamCipher(Keyset.random(KeysetKind.OBJECTS))
    headers = [next(cipher.encrypt([b"the same"], b"here")) for _ in range(2000)]
    assert len({header[1:33] for header in headers}) == len({header[33:] for header in headers}) == 2000


def test_e6_the_nonces_within_a_stream_differ_and_then_end() -> None:
    """Each segment has its own nonce, the last one another than a middle one would have; the count never wraps."""
    segments = _Segments(Key.random(), bytes(40), b"")
    places = [(number, last) for number in (*range(300), 2**16, 2**32 - 1) for last in (False, True)]
    assert len({segments._nonce(number, last) for number, last in places}) == len(places)
    with pytest.raises(struct.error):
        segments.encrypt(2**32, b"", False)
