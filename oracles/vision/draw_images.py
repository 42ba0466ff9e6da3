# SPDX-License-Identifier: Apache-2.0
"""Draws the pictures that the vision oracles and tests read, into packages/vision/fixtures/images.

Every picture is a formula, so nothing here has another owner. Run from the repository root:
    python oracles/vision/draw_images.py
"""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, PngImagePlugin

FOLDER = Path("packages/vision/fixtures/images")


def picture(width: int, height: int, seed: int = 0) -> np.ndarray:
    """[height, width, 3] uint8: smooth waves under hard-edged blocks, so that both blur and ringing show."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    waves = [np.sin(x / (7 + 3 * c) + seed) + np.cos(y / (5 + 4 * c) - seed * c) for c in range(3)]
    blocks = [(((x // 11).astype(int) * (3 + c) + (y // 9).astype(int) * (5 - c) + seed) % 4) * 40 for c in range(3)]
    return np.stack([np.clip(70 + 30 * w + b, 0, 255) for w, b in zip(waves, blocks)], axis=-1).astype(np.uint8)


def rgb(width: int, height: int, seed: int = 0) -> Image.Image:
    return Image.fromarray(picture(width, height, seed))


def flat(width: int, height: int) -> Image.Image:
    """Large and highly compressible."""
    tile = picture(16, 16, 5)
    return Image.fromarray(tile).resize((width, height), Image.NEAREST)


def save(name: str, image: Image.Image, **options) -> None:
    image.save(FOLDER / name, **options)


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def raw_png(name: str, width: int, height: int, depth: int, colour: int, rows: bytes, *extra: tuple[bytes, bytes]) -> None:
    """A PNG of a bit depth or colour type that Pillow does not write."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = [(b"IHDR", header), *extra, (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")]
    (FOLDER / name).write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(kind, data) for kind, data in chunks))


def scanlines(samples: np.ndarray) -> bytes:
    """Rows of bytes, each after filter type 0."""
    rows = samples.reshape(samples.shape[0], -1)
    return b"".join(b"\x00" + row.tobytes() for row in rows)


def exif(orientation: int) -> bytes:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags.tobytes()


def swapped_primaries_profile() -> bytes:
    """An sRGB profile whose red and green colourants are exchanged: who applies it changes every pixel."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = profile.find(b"rXYZ"), profile.find(b"gXYZ")
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(profile)


def draw() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    # Sizes: tiny, on and beside the rounding points of 28 (14, 42, 70 are half-way), extreme aspect ratios, huge.
    sizes = [(1, 1), (2, 3), (13, 15), (14, 14), (27, 29), (28, 28), (42, 42), (70, 70), (98, 42), (55, 57), (56, 56)]
    sizes += [(200, 1), (1, 200), (599, 3), (300, 7), (7, 300), (113, 251), (320, 240)]
    for width, height in sizes:
        save(f"rgb-{width}x{height}.png", rgb(width, height, width % 7), optimize=True)
    save("huge-4096x3072.png", flat(4096, 3072), optimize=True)
    save("wide-6000x40.png", flat(6000, 40), optimize=True)

    # JPEG: chroma layouts, progressive, restart markers, grey, CMYK, orientation, colour profile.
    save("jpeg-420.jpg", rgb(203, 151), quality=75, subsampling="4:2:0")
    save("jpeg-422.jpg", rgb(203, 151), quality=80, subsampling="4:2:2")
    save("jpeg-444.jpg", rgb(203, 151), quality=90, subsampling="4:4:4")
    save("jpeg-progressive.jpg", rgb(320, 213, 3), quality=60, progressive=True)
    save("jpeg-restart.jpg", rgb(150, 100, 3), quality=60, restart_marker_blocks=4)
    save("jpeg-low-quality.jpg", rgb(161, 97, 2), quality=5)
    save("jpeg-grey.jpg", rgb(101, 77).convert("L"), quality=85)
    cmyk = np.dstack([picture(90, 70, 1), picture(90, 70, 4)[:, :, :1]])
    save("jpeg-cmyk.jpg", Image.frombytes("CMYK", (90, 70), cmyk.tobytes()), quality=92)
    for orientation in (2, 3, 5, 6, 8):
        save(f"jpeg-exif-{orientation}.jpg", rgb(120, 60, orientation), quality=85, exif=exif(orientation))
    save("jpeg-icc.jpg", rgb(64, 48), quality=90, icc_profile=swapped_primaries_profile())

    # PNG: grey, alpha, palettes, odd bit depths, interlacing, profile, orientation, animation.
    save("png-grey.png", rgb(60, 44).convert("L"), optimize=True)
    alpha = np.dstack([picture(75, 50, 2), picture(75, 50, 6)[:, :, 1]])
    save("png-rgba.png", Image.fromarray(alpha), optimize=True)
    save("png-grey-alpha.png", Image.fromarray(alpha).convert("LA"), optimize=True)
    save("png-palette.png", rgb(80, 61).quantize(37), optimize=True)
    save("png-palette-transparent.png", rgb(80, 61, 2).quantize(16), transparency=3, optimize=True)
    save("png-bilevel.png", rgb(81, 33).convert("1"), optimize=True)
    grey16 = (picture(50, 40, 3)[:, :, 0].astype(np.uint16) * 257 + 129).astype(">u2")
    raw_png("png-grey16.png", 50, 40, 16, 0, scanlines(grey16.view(np.uint8)))
    dark16 = (picture(50, 40, 3)[:, :, 0].astype(np.uint16) * 2).astype(">u2")
    raw_png("png-grey16-dark.png", 50, 40, 16, 0, scanlines(dark16.view(np.uint8)))
    grey_alpha16 = np.dstack([grey16.astype(np.uint16), grey16.astype(np.uint16)[::-1]]).astype(">u2")
    raw_png("png-grey-alpha16.png", 50, 40, 16, 4, scanlines(grey_alpha16.reshape(40, -1).view(np.uint8)))
    rgb16 = (picture(50, 40, 3).astype(np.uint16) * 251 + 77).astype(">u2")
    raw_png("png-rgb16.png", 50, 40, 16, 2, scanlines(rgb16.view(np.uint8)))
    grey4 = picture(64, 40, 3)[:, :, 0] >> 4
    raw_png("png-grey4.png", 64, 40, 4, 0, scanlines((grey4[:, 0::2] << 4) | grey4[:, 1::2]))
    raw_png("png-gamma.png", 40, 30, 8, 2, scanlines(picture(40, 30)), (b"gAMA", struct.pack(">I", 100000)))
    raw_png("png-colour-key.png", 40, 30, 8, 2, scanlines(picture(40, 30)), (b"tRNS", struct.pack(">HHH", 70, 70, 70)))
    save("png-icc.png", rgb(64, 48, 1), icc_profile=swapped_primaries_profile(), optimize=True)
    save("png-exif-6.png", rgb(90, 40, 1), exif=exif(6), optimize=True)
    frames = [rgb(60, 45, s) for s in range(3)]
    save("png-animated.png", frames[0], save_all=True, append_images=frames[1:])

    # GIF and WebP.
    quantized = [frame.quantize(32) for frame in frames]
    save("gif-still.gif", quantized[0])
    save("gif-animated.gif", quantized[0], save_all=True, append_images=quantized[1:], duration=100)
    save("gif-transparent.gif", rgb(60, 45, 2).quantize(16), transparency=5)
    save("gif-interlaced.gif", rgb(61, 47, 2).quantize(64), interlace=1)
    small_frame_gif()
    save("webp-lossy.webp", rgb(155, 93, 4), quality=70)
    save("webp-lossless-alpha.webp", Image.fromarray(alpha), lossless=True, exact=True)
    sprite = np.dstack([picture(60, 45, 3), np.zeros((45, 60), np.uint8)])
    sprite[10:30, 20:50, 3] = 200
    sprites = [Image.fromarray(np.roll(sprite, 5 * i, axis=1)) for i in range(3)]
    save("webp-animated-alpha.webp", sprites[0], save_all=True, append_images=sprites[1:], lossless=True)
    save("webp-animated.webp", frames[0], save_all=True, append_images=frames[1:], lossless=True)
    save("webp-exif-8.webp", rgb(88, 41, 4), quality=80, exif=exif(8))


def small_frame_gif() -> None:
    """A frame smaller than its canvas: the rest is background."""
    buffer = io.BytesIO()
    rgb(20, 14, 1).quantize(8).save(buffer, "GIF")
    data = bytearray(buffer.getvalue())
    struct.pack_into("<HH", data, 6, 32, 24)  # logical screen
    descriptor = data.index(b",", 13 + 3 * (2 << (data[10] & 7)))
    struct.pack_into("<HH", data, descriptor + 1, 5, 6)  # where the frame lies
    (FOLDER / "gif-small-frame.gif").write_bytes(data)


if __name__ == "__main__":
    draw()
    files = sorted(FOLDER.iterdir())
    print(f"{len(files)} pictures, {sum(f.stat().st_size for f in files) / 1024:.0f} kB")
