"""Which files are image files, by their names and by their first bytes."""

from __future__ import annotations

from pathlib import Path

RAW_SUFFIXES = (".dng", ".cr2", ".cr3", ".nef", ".nrw", ".arw", ".srf", ".raf", ".orf", ".rw2", ".pef", ".gpr", ".raw")
HEIF_SUFFIXES = (".heic", ".heif", ".hif", ".heics", ".heifs")
JPEG_XL_SUFFIXES = (".jxl",)
# What can be decoded; a build of OpenCV may lack some of them, which shows when an image is decoded.
READABLE_SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".bmp", ".dib", ".tif", ".tiff", ".jp2", ".j2k"),
    *(".avif", ".gif", ".ppm", ".pgm", ".pbm", ".pnm", ".pxm", ".pam", ".pfm", ".sr", ".ras", ".hdr", ".pic", ".exr"),
)
# Those that cannot be decoded, too: they are named with what to do, and not passed over in silence.
IMAGE_SUFFIXES = (*READABLE_SUFFIXES, *HEIF_SUFFIXES, *JPEG_XL_SUFFIXES, *RAW_SUFFIXES)
EIGHT_BIT_SUFFIXES = (
    ".jpg",
    ".jpeg",
    ".jpe",
    ".jfif",
    ".mpo",
    ".webp",
    ".bmp",
    ".dib",
    ".gif",
    ".avif",
    *HEIF_SUFFIXES,
)

TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
EXR_MAGIC = b"\x76\x2f\x31\x01"
JPEG_XL_MAGIC = (b"\xff\x0a", b"\0\0\0\x0cJXL ")
AVIF_BRANDS = (b"avif", b"avis")

NO_RAW = "a RAW photograph, which is not read: develop it to JPEG or 16-bit TIFF"
NO_JPEG_XL = "JPEG XL, which is not read: convert it to PNG or JPEG"
NO_HEIF = "HEIC, which is read with pi-heif only: pip install pi-heif, or convert it to JPEG"


def is_image(path: Path) -> bool:
    """Whether the suffix is that of an image, in any case; hidden files are not images."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


def is_raw(path: Path) -> bool:
    """Whether the suffix is that of a camera's RAW file."""
    return path.suffix.lower() in RAW_SUFFIXES


def may_be_deep(path: Path) -> bool:
    """Whether files of this suffix may hold more than eight bits a channel."""
    return path.suffix.lower() not in EIGHT_BIT_SUFFIXES


def is_iso_media(head: bytes) -> bool:
    """Whether a file begins like HEIF (ISO 23008-12); AVIF is of its family."""
    return head[4:8] == b"ftyp"
