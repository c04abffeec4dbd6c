"""Reading a part of a large encrypted object from S3, against the same request without any encryption."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import repeat
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from litestar.testing import RequestFactory
from support import seaweed

from datasteward.keys import FileRootKey, KeyStore, Vault
from datasteward.objects import EncryptedObjects
from datasteward.objects.s3 import S3Bucket
from gptimages.installation import Installation
from gptimages.web import downloads

from .measuring import Row, compared, timed

MIB = 1 << 20
SIZE = 1024 * MIB
PERSON, KEY = "person", "image/large"


def object_range(full: bool) -> Row:
    """The first byte of a MiB in the middle of an object of 1 GiB, as the service answers, against a ranged GET: milliseconds."""
    with tempfile.TemporaryDirectory() as name, seaweed.running() as server:
        vault = Vault(KeyStore(f"sqlite:///{name}/keys.db", FileRootKey.create(Path(name) / "root.key")))
        vault.create(PERSON)
        client, prefix = server.client(), server.prefix()
        objects = EncryptedObjects(S3Bucket(client, seaweed.PLAIN, prefix), vault)
        objects.put(PERSON, KEY, repeat(random.Random(1).randbytes(MIB), SIZE // MIB))
        places = iter(partial(random.Random(2).randrange, SIZE - MIB), None)

        here, factory = cast(Installation, SimpleNamespace(objects=objects)), RequestFactory()

        def ours() -> float:
            start = next(places)
            asked = factory.get(headers={"range": f"bytes={start}-{start + MIB - 1}"})

            def answered() -> Iterator[bytes]:
                return cast(Iterator[bytes], downloads.send(here, asked, PERSON, KEY, "image/png", missing="").iterator)

            return _first(answered)

        def raw(start: int) -> Iterator[bytes]:
            asked = f"bytes={start}-{start + MIB - 1}"
            answer = client.get_object(Bucket=seaweed.PLAIN, Key=f"{prefix}/{KEY}", Range=asked)
            yield answer["Body"].read(1)
            yield answer["Body"].read()

        mine, its = timed(ours, lambda: _first(lambda: raw(next(places))), rounds=401 if full else 201)
        vault.close()
    return compared("object-range", mine * 1000, its * 1000, "ms", ("<=", 1.2))


def _first(asked: Callable[[], Iterator[bytes]]) -> float:
    """The seconds until the first bytes are there; the others are read as well, so that the connection can be used again."""
    begun = time.perf_counter()
    chunks = asked()
    next(chunks)
    taken = time.perf_counter() - begun
    for _ in chunks:
        pass
    return taken
