# SPDX-License-Identifier: Apache-2.0
"""Where a file may say its orientation, and what Pillow makes of it.

    python oracles/vision/exif_places.py

Writes packages/vision/fixtures/exif-places.json: per place a small file (base64) and the size that
`ImageOps.exif_transpose` gives it; the stored picture is 6 × 4.
"""

import base64
import io
import json
import struct
import zlib
from pathlib import Path

import PIL
from PIL import Image, ImageOps

NAME = b"http://ns.adobe.com/xap/1.0/\0"
picture = Image.effect_noise((6, 4), 90).convert("RGB")


def saved(kind: str, **options) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def tiff(value: int, type_: int = 3, count: int = 1, tag: int = 0x0112, little: bool = True) -> bytes:
    e = "<" if little else ">"
    packed = {1: "B3x", 3: "H2x", 4: "I", 6: "b3x", 8: "h2x", 9: "i"}[type_]
    head = (b"II" if little else b"MM") + struct.pack(e + "HI", 42, 8)
    return head + struct.pack(e + "H", 1) + struct.pack(e + "HHI" + packed, tag, type_, count, value) + struct.pack(e + "I", 0)


def several(values: list[int], type_: int, at: int = 26) -> bytes:
    """A field of several values: behind the directory, or where `at` says, if they take more than four bytes."""
    data = struct.pack(f"<{len(values)}" + {3: "H", 4: "I"}[type_], *values)
    inline = data if len(data) <= 4 else struct.pack("<I", at)
    head = b"II" + struct.pack("<HIHHHI", 42, 8, 1, 0x0112, type_, len(values))
    return head + inline + struct.pack("<I", 0) + (data if len(data) > 4 else b"")


def xmp(value: str) -> bytes:
    return f'<x:xmpmeta><rdf:Description {value}/></x:xmpmeta>'.encode()


def segment(content: bytes, marker: int = 0xE1) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def jpeg(*before: bytes, behind: tuple[bytes, ...] = ()) -> bytes:
    plain = saved("JPEG")
    scan = plain.index(b"\xff\xda")
    return plain[:2] + b"".join(before) + plain[2:scan] + b"".join(behind) + plain[scan:]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(*before: bytes, behind: tuple[bytes, ...] = ()) -> bytes:
    plain = saved("PNG")
    data, end = plain.index(b"IDAT") - 4, plain.index(b"IEND") - 4
    return plain[:data] + b"".join(before) + plain[data:end] + b"".join(behind) + plain[end:]


def webp(flags: int, *chunks: tuple[bytes, bytes]) -> bytes:
    plain = saved("WEBP", lossless=True)
    head = b"VP8X" + struct.pack("<I", 10) + bytes([flags, 0, 0, 0, 5, 0, 0, 3, 0, 0])
    more = b"".join(k + struct.pack("<I", len(d)) + d + b"\0" * (len(d) & 1) for k, d in chunks)
    body = b"WEBP" + head + plain[12:] + more
    return b"RIFF" + struct.pack("<I", len(body)) + body


def raw_profile(block: bytes) -> bytes:
    return b"\nexif\n%8d\n" % len(block) + block.hex().encode() + b"\n"


exif6, six = b"Exif\0\0" + tiff(6), xmp('tiff:Orientation="6"')
files = {
    "jpeg: none": jpeg(),
    "jpeg: EXIF": jpeg(segment(exif6)),
    "jpeg: EXIF, big-endian": jpeg(segment(b"Exif\0\0" + tiff(8, little=False))),
    "jpeg: EXIF behind the frame header": jpeg(behind=(segment(exif6),)),
    "jpeg: EXIF as LONG": jpeg(segment(b"Exif\0\0" + tiff(6, type_=4))),
    "jpeg: EXIF as BYTE": jpeg(segment(b"Exif\0\0" + tiff(6, type_=1))),
    "jpeg: EXIF, 9": jpeg(segment(b"Exif\0\0" + tiff(9))),
    "jpeg: EXIF, two values": jpeg(segment(b"Exif\0\0" + several([6, 1], 3))),
    "jpeg: EXIF, three values behind the directory": jpeg(segment(b"Exif\0\0" + several([6, 1, 1], 3))),
    "jpeg: EXIF, two LONGs behind the directory": jpeg(segment(b"Exif\0\0" + several([8, 1], 4))),
    "jpeg: EXIF, values beyond its end": jpeg(segment(b"Exif\0\0" + several([6, 1], 4, at=999))),
    "jpeg: EXIF twice": jpeg(segment(exif6), segment(b"Exif\0\0" + tiff(1))),
    "jpeg: XMP": jpeg(segment(NAME + six)),
    "jpeg: XMP as an element": jpeg(segment(NAME + xmp("><tiff:Orientation>8</tiff:Orientation"))),
    "jpeg: EXIF without the tag, XMP": jpeg(segment(b"Exif\0\0" + tiff(6, tag=0x0100)), segment(NAME + six)),
    "jpeg: EXIF says 1, XMP 6": jpeg(segment(b"Exif\0\0" + tiff(1)), segment(NAME + six)),
    "png: none": png(),
    "png: eXIf": png(chunk(b"eXIf", tiff(6))),
    "png: eXIf behind the data": png(behind=(chunk(b"eXIf", tiff(6)),)),
    "png: eXIf with a prefix": png(chunk(b"eXIf", exif6)),
    "png: zTXt profile": png(chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(raw_profile(exif6)))),
    "png: tEXt profile": png(chunk(b"tEXt", b"Raw profile type exif\0" + raw_profile(exif6))),
    "png: zTXt profile behind the data": png(behind=(chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(raw_profile(exif6))),)),
    "png: iTXt XMP": png(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + six)),
    "png: compressed iTXt XMP": png(chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(six))),
    "webp: none": webp(0),
    "webp: EXIF": webp(8, (b"EXIF", tiff(6))),
    "webp: EXIF with a prefix": webp(8, (b"EXIF", exif6)),
    "webp: EXIF that is not announced": webp(0, (b"EXIF", tiff(6))),
    "webp: XMP": webp(4, (b"XMP ", six)),
    "webp: EXIF and XMP": webp(12, (b"EXIF", tiff(1)), (b"XMP ", six)),
}


def upright(data: bytes) -> list[int]:
    return list(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).size)


rows = [{"place": place, "size": upright(data), "file": base64.b64encode(data).decode()} for place, data in files.items()]
path = Path("packages/vision/fixtures/exif-places.json")
path.write_text(json.dumps({"from": f"Pillow {PIL.__version__}", "files": rows}, indent=1) + "\n")
print(len(rows), "places:", {row["place"]: row["size"] for row in rows})
