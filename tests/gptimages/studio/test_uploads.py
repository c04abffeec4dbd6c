"""What people send is rebuilt from its pixels, and what is no picture is refused in a sentence."""

from __future__ import annotations

import io
import struct
import zlib

import msgspec
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from gptimages.errors import InputError
from gptimages.studio.uploads import rebuild


class Amount(msgspec.Struct, frozen=True):
    value: int


class Limits(msgspec.Struct, frozen=True):
    upload_bytes: Amount = Amount(20_000_000)
    upload_pixels: Amount = Amount(40_000_000)


LIMITS = Limits()


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    """The picture as a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def opened(png: bytes) -> Image.Image:
    """The picture in a PNG."""
    image = Image.open(io.BytesIO(png), formats=["PNG"])
    image.load()
    return image


def chunk(name: bytes, body: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def bomb(side: int) -> bytes:
    """A valid 1-bit PNG of `side` squared pixels, all of them alike."""
    packer = zlib.compressobj(9)
    row = bytes(1 + (side + 7) // 8)
    rows = b"".join(packer.compress(row * 1000) for _ in range(side // 1000)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def gradient(size: tuple[int, int] = (64, 48)) -> Image.Image:
    """A picture with many colours."""
    return Image.merge("RGB", [Image.linear_gradient("L").resize(size), *[Image.radial_gradient("L").resize(size)] * 2])


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_the_three_formats_are_taken(kind: str) -> None:
    """PNG, JPEG and WebP come back as PNG of the same size."""
    made = rebuild(encoded(gradient(), kind), limits=LIMITS)
    assert (made.width, made.height) == opened(made.png).size == (64, 48)


def test_nine_hundred_megapixels_in_a_small_file_are_refused_undecoded() -> None:
    """A PNG of about 109 kB that unpacks to 900 megapixels is refused by its header."""
    data = bomb(30_000)
    assert len(data) < 120_000
    with pytest.raises(InputError, match="too many pixels: send one of at most 40 megapixels"):
        rebuild(data, limits=LIMITS)


@pytest.mark.parametrize("side", [7_000, 10_000])
def test_bombs_below_the_decoders_own_limit_are_refused_too(side: int) -> None:
    """Our cap counts, where Pillow says nothing (49 megapixels) or only warns (100 megapixels)."""
    with pytest.raises(InputError, match="too many pixels"):
        rebuild(bomb(side), limits=LIMITS)


@pytest.mark.parametrize(
    "data",
    [
        b"This is a text, whatever its name says.\n" * 100,
        b"",
        b"\x89PNG\r\n\x1a\n",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n%%EndComments\nshowpage\n%%EOF\n",
        b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>',
        encoded(Image.new("RGB", (8, 8)), "GIF"),
        encoded(Image.new("RGB", (8, 8)), "TIFF"),
        encoded(Image.new("RGB", (8, 8)), "BMP"),
    ],
    ids=["text", "empty", "signature alone", "EPS", "SVG", "GIF", "TIFF", "BMP"],
)
def test_other_files_are_refused(data: bytes) -> None:
    """A text called .png, EPS, SVG and every other format are refused by what they are, not by their name."""
    with pytest.raises(InputError, match="not a picture we can read: send PNG, JPEG or WebP"):
        rebuild(data, limits=LIMITS)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_file_cut_short_is_refused(kind: str) -> None:
    """Half a picture is not taken for a whole one."""
    noise = Image.effect_noise((200, 200), 90).convert("RGB")
    data = encoded(noise, kind)
    with pytest.raises(InputError, match=r"damaged or cut short|not a picture we can read"):
        rebuild(data[: len(data) // 2], limits=LIMITS)


def test_a_large_file_is_refused_before_it_is_looked_at() -> None:
    """A file of 50 MB is refused by its length."""
    with pytest.raises(InputError, match="at most 20 MB"):
        rebuild(bytes(50_000_000), limits=LIMITS)


def test_the_place_is_gone_and_the_picture_upright() -> None:
    """EXIF with its GPS data goes; its orientation is applied first."""
    exif = Image.Exif()
    exif[0x0112] = 6  # turn a quarter to the right
    exif[0x010F] = "A camera maker"
    exif.get_ifd(0x8825)[2] = (59.0, 54.0, 50.0)
    left_red = Image.new("RGB", (40, 20), "blue")
    left_red.paste("red", (0, 0, 20, 20))
    data = encoded(left_red, "JPEG", exif=exif, quality=95)
    assert b"A camera maker" in data
    made = rebuild(data, limits=LIMITS)
    image = opened(made.png)
    assert (made.width, made.height) == image.size == (20, 40)
    assert image.getpixel((10, 5))[0] > 200  # what was left is on top
    assert not image.getexif()
    assert b"camera" not in made.png
    assert b"eXIf" not in made.png


def test_comments_texts_and_profiles_are_gone() -> None:
    """A JPEG comment, PNG texts, XMP and a PNG's colour profile do not come along."""
    comment = rebuild(encoded(gradient(), "JPEG", comment=b"taken by somebody"), limits=LIMITS)
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Author", "somebody")
    texts.add_itxt("XML:com.adobe.xmp", "<x>somebody</x>")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    rich = rebuild(encoded(gradient(), "PNG", pnginfo=texts, icc_profile=profile), limits=LIMITS)
    for made in (comment, rich):
        assert b"somebody" not in made.png
        assert {made.png[i + 4 : i + 8] for i in chunks(made.png)} == {b"IHDR", b"IDAT", b"IEND"}


def chunks(png: bytes) -> list[int]:
    """Where the chunks of a PNG begin."""
    places, at = [], 8
    while at < len(png):
        places.append(at)
        at += 12 + int(struct.unpack(">I", png[at : at + 4])[0])
    return places


def test_the_profile_is_applied_before_it_goes() -> None:
    """A picture whose profile has red and blue swapped comes out with them swapped back."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = profile.replace(b"rXYZ", b"....").replace(b"bXYZ", b"rXYZ").replace(b"....", b"bXYZ")
    data = encoded(Image.new("RGB", (8, 8), "red"), "PNG", icc_profile=swapped)
    red, _, blue = opened(rebuild(data, limits=LIMITS).png).getpixel((4, 4))
    assert red < 10
    assert blue > 245


def test_a_broken_profile_does_not_cost_the_picture() -> None:
    """A profile that cannot be read is dropped and the picture taken as it is."""
    made = rebuild(encoded(gradient(), "PNG", icc_profile=b"no profile at all"), limits=LIMITS)
    assert opened(made.png).tobytes() == gradient().tobytes()


def test_deep_grey_is_scaled() -> None:
    """16-bit grey becomes 8-bit grey by scaling, not by cutting off."""
    deep = Image.new("I;16", (4, 4), 0x8000)
    assert opened(rebuild(encoded(deep, "PNG"), limits=LIMITS).png).getpixel((0, 0)) == (128, 128, 128)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    """Grey, palette and CMYK pictures become RGB; nothing is refused for its mode."""
    data = encoded(gradient().convert(mode), "JPEG" if mode == "CMYK" else "PNG")
    assert opened(rebuild(data, limits=LIMITS).png).mode == "RGB"


def test_transparency_is_kept() -> None:
    """Alpha stays, in RGBA pictures and in palettes with a transparent colour."""
    half = gradient().convert("RGBA")
    half.putalpha(Image.linear_gradient("L").resize(half.size))
    palette = Image.new("P", (8, 8), 1)
    palette.putpalette([255, 0, 0, 0, 0, 255])
    for data in (encoded(half, "PNG"), encoded(half, "WEBP"), encoded(palette, "PNG", transparency=1)):
        image = opened(rebuild(data, limits=LIMITS).png)
        assert image.mode == "RGBA"
        assert image.getchannel("A").getextrema()[0] < 5


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_of_an_animation_the_first_picture_is_taken(kind: str) -> None:
    """An animated file gives its first frame."""
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
    assert opened(rebuild(data, limits=LIMITS).png).getpixel((8, 8))[0] > 240
