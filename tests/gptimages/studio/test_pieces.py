"""The studio's smaller pieces: the hub, smaller copies, file names, shapes, and the pictures of the first page."""

from __future__ import annotations

import io
import threading

from PIL import Image as Pictures

from gptimages.installation import Installation
from gptimages.studio import beginning, files, showcase
from gptimages.studio.engine import Partial, Size
from gptimages.studio.facts import EngineFacts, shape
from gptimages.studio.models import Image
from gptimages.studio.progress import Hub
from gptimages.studio.thumbnails import thumbnail
from gptimages.studio.views import ratio
from gptimages.web.templating import STATIC

MOST_ASSET_BYTES = 40_000


def test_the_hub_keeps_the_newest_picture_of_each_run() -> None:
    """A newer picture replaces the older one; a step without one keeps it, unless another picture was begun."""
    hub = Hub()
    hub.put("run", 0, Partial(0, 1, 4, b"first"))
    hub.put("run", 0, Partial(0, 2, 4))
    kept = hub.newest("run")
    assert kept is not None
    assert (kept.image, kept.step, kept.number) == (b"first", 2, 1)
    hub.put("run", 1, Partial(0, 1, 4))
    begun = hub.newest("run")
    assert begun is not None
    assert (begun.image, begun.position) == (None, 1)
    hub.forget("run")
    assert hub.newest("run") is None


def test_the_hub_is_bounded() -> None:
    """Neither many runs nor a huge picture fill the memory."""
    hub = Hub(most_runs=2, most_bytes=10)
    for run in ("one", "two", "three"):
        hub.put(run, 0, Partial(0, 1, 2, b"small"))
    assert hub.newest("one") is None
    hub.put("three", 0, Partial(0, 2, 2, b"much too large"))
    newest = hub.newest("three")
    assert newest is not None
    assert (newest.image, newest.step) == (b"small", 2)


def test_the_hub_takes_many_threads() -> None:
    """Puts and reads from several threads neither fail nor lose the last state."""
    hub = Hub()

    def put(run: str) -> None:
        for step in range(200):
            hub.put(run, 0, Partial(0, step, 200, b"picture"))
            hub.newest(run)

    threads = [threading.Thread(target=put, args=(f"run {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n in range(4):
        newest = hub.newest(f"run {n}")
        assert newest is not None
        assert (newest.step, newest.number) == (199, 200)


def test_a_smaller_copy_is_whole_and_plain() -> None:
    """It has the picture's shape, at most 640 pixels a side, its transparency, and no metadata."""
    picture = Pictures.new("RGBA", (1536, 1024), (10, 20, 30, 128))
    exif = Pictures.Exif()
    exif[0x010E] = "a description"
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", exif=exif)
    data = thumbnail(buffer.getvalue())
    with Pictures.open(io.BytesIO(data)) as small:
        assert (small.format, small.mode, max(small.size)) == ("WEBP", "RGBA", 640)
        assert abs(small.width / small.height - 1.5) < 0.01
    assert b"description" not in data


def test_file_names_are_safe() -> None:
    """Whatever the words, the name has letters, digits and hyphens alone, and the picture's suffix."""
    image = Image(id="abcdefgh", media_type="image/png")
    assert files.file_name(image, 'Ünïcode / ../..\r\n"x"') == "n-code-x-abcdef.png"
    assert files.file_name(image, None) == "picture-abcdef.png"
    assert files.file_name(image, "月") == "picture-abcdef.png"
    assert len(files.file_name(image, "heron " * 100)) < 70


def test_shapes_and_ratio_classes() -> None:
    """Shapes are told in small numbers, and each size hangs in the class nearest to it."""
    assert shape(1536, 1024).replace("\u202f", "") == "3:2"
    assert [ratio(*size) for size in ((1536, 1024), (1024, 1536), (1, 1), (1792, 1008))] == [
        "r-3x2",
        "r-2x3",
        "r-1x1",
        "r-16x9",
    ]


def test_the_pictures_of_the_first_page_are_there() -> None:
    """Each is a WebP of its stated size, in the shape in which it was drawn, of at most 40 kB."""
    for shown in showcase.ALL:
        path = STATIC / shown.path
        assert path.stat().st_size <= MOST_ASSET_BYTES, shown.name
        with Pictures.open(path, formats=["WEBP"]) as opened:
            assert opened.size == (shown.file.width, shown.file.height)
        assert abs(shown.drawn.width / shown.drawn.height - shown.file.width / shown.file.height) < 0.01


def test_the_first_page_tells_what_the_policies_say(here: Installation) -> None:
    """What is written down about a picture comes from the policies, and engines not in use are not named."""
    engine = EngineFacts("preview", "preview-1", True, (Size(64, 64),))
    told = {trace.what: trace for trace in beginning.traces(here.policies, engine)}
    assert told["Your words"].until == "until you delete them"
    assert "Preview engine, inside this service" in told["Your words"].recipients
    assert "OpenAI" not in told["Your words"].recipients
    outside = EngineFacts("openai", "gpt-image-1", False, (Size(64, 64),))
    assert "OpenAI" in beginning.traces(here.policies, outside)[0].recipients
    assert len(beginning.promised(here.policies, here.clock().date())) == 3
