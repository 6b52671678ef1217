"""A small writer of PDF files: headings, wrapped paragraphs and bars, in the fonts that every reader has.

The text is encoded in WinAnsi (windows-1252), as the standard fonts are; other characters appear as their escapes
(``\\u4e2d``), so that nothing is lost in silence. ISO 32000-1.
"""

from __future__ import annotations

import zlib

_WIDTH, _HEIGHT, _MARGIN = 595.0, 842.0, 56.0
_LEADING = 1.35
# Widths of Helvetica's characters 32 to 126, in thousandths of the size (Adobe's font metrics).
_METRICS = (
    "278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 556 556 556 278 278 "
    "584 584 584 556 1015 667 667 722 722 667 611 778 722 278 500 667 556 833 722 778 667 778 722 667 611 722 667 944 "
    "667 667 611 278 278 278 469 556 333 556 556 500 556 556 278 556 556 222 222 500 222 833 556 556 556 556 333 500 "
    "278 556 500 722 500 500 500 334 260 334 584"
)
_WIDTHS = [int(width) for width in _METRICS.split()]
_BOLD = 1.08


def _encoded(text: str) -> bytes:
    return text.encode("cp1252", "backslashreplace")


def _width(text: bytes, size: float, *, bold: bool) -> float:
    total = sum(_WIDTHS[byte - 32] if 32 <= byte <= 126 else 556 for byte in text)
    return total * size / 1000 * (_BOLD if bold else 1)


def _escaped(text: bytes) -> bytes:
    return text.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


class Pdf:
    """One document, written from top to bottom. ``title`` is its title for readers."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._pages: list[list[bytes]] = []
        self._y = 0.0
        self._attachments: list[tuple[str, bytes]] = []

    def text(self, text: str, size: float = 10, *, bold: bool = False, indent: float = 0, above: float = 2) -> None:
        """A paragraph, wrapped to the page; line breaks in it are kept."""
        self._space(above)
        for line in text.split("\n"):
            for piece in self._wrapped(_encoded(line), size, bold=bold, room=_WIDTH - 2 * _MARGIN - indent):
                self._line(piece, size, bold=bold, indent=indent)

    def bar(self, label: str, share: float, indent: float = 0) -> None:
        """A horizontal bar, ``share`` (0 to 1) of the width that there is for bars, with a label before it."""
        size, before = 9.0, 150.0
        text = _encoded(label)
        while _width(text, size, bold=False) > before - 6:
            text = text[:-1]
        self._line(text, size, bold=False, indent=indent)
        length = max(0.5, min(share, 1.0) * (_WIDTH - 2 * _MARGIN - indent - before))
        place = f"{_MARGIN + indent + before:.1f} {self._y:.1f} {length:.1f} 7 re f"
        self._page().append(f"0.35 0.45 0.65 rg {place} 0 g".encode())

    def attach(self, name: str, content: bytes) -> None:
        """A file inside the document."""
        self._attachments.append((name, content))

    def _page(self) -> list[bytes]:
        if not self._pages:
            self._pages.append([])
            self._y = _HEIGHT - _MARGIN
        return self._pages[-1]

    def _space(self, height: float) -> None:
        self._page()
        self._y -= height

    def _line(self, text: bytes, size: float, *, bold: bool, indent: float) -> None:
        page = self._page()
        self._y -= size * _LEADING
        if self._y < _MARGIN:
            page = []
            self._pages.append(page)
            self._y = _HEIGHT - _MARGIN - size * _LEADING
        font = "F2" if bold else "F1"
        start = f"BT /{font} {size:g} Tf {_MARGIN + indent:.1f} {self._y:.1f} Td ".encode()
        page.append(start + b"(" + _escaped(text) + b") Tj ET")

    def _wrapped(self, text: bytes, size: float, *, bold: bool, room: float) -> list[bytes]:
        lines, line = [], b""
        for word in text.split(b" "):
            longer = line + b" " + word if line else word
            if _width(longer, size, bold=bold) <= room:
                line = longer
                continue
            if line:
                lines.append(line)
            line = word
            while _width(line, size, bold=bold) > room:
                cut = len(line)
                while _width(line[:cut], size, bold=bold) > room:
                    cut -= 1
                lines.append(line[:cut])
                line = line[cut:]
        return [*lines, line]

    def finish(self) -> bytes:
        """The bytes of the file."""
        self._page()
        objects: list[bytes] = [b"", b""]

        def add(body: bytes) -> int:
            objects.append(body)
            return len(objects)

        def stream(dictionary: str, content: bytes) -> int:
            packed = zlib.compress(content)
            head = f"<< {dictionary} /Filter /FlateDecode /Length {len(packed)} >>\nstream\n".encode()
            return add(head + packed + b"\nendstream")

        fonts = [
            add(f"<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>".encode())
            for name in ("Helvetica", "Helvetica-Bold")
        ]
        resources = f"<< /Font << /F1 {fonts[0]} 0 R /F2 {fonts[1]} 0 R >> >>"
        pages = []
        for content in self._pages:
            body = stream("", b"\n".join(content))
            box = f"/MediaBox [0 0 {_WIDTH:g} {_HEIGHT:g}]"
            pages.append(
                add(f"<< /Type /Page /Parent 2 0 R {box} /Resources {resources} /Contents {body} 0 R >>".encode())
            )
        names = b""
        for name, attached in self._attachments:
            data = stream(f"/Type /EmbeddedFile /Params << /Size {len(attached)} >>", attached)
            text = b"(" + _escaped(_encoded(name)) + b")"
            file = add(b"<< /Type /Filespec /F " + text + b" /UF " + text + f" /EF << /F {data} 0 R >> >>".encode())
            names += text + f" {file} 0 R ".encode()
        info = add(b"<< /Title (" + _escaped(_encoded(self._title)) + b") >>")
        embedded = b" /Names << /EmbeddedFiles << /Names [ " + names + b"] >> >>" if names else b""
        objects[0] = b"<< /Type /Catalog /Pages 2 0 R" + embedded + b" >>"
        kids = " ".join(f"{page} 0 R" for page in pages)
        objects[1] = f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode()
        return _assembled(objects, info)


def _assembled(objects: list[bytes], info: int) -> bytes:
    """Header, objects, cross-reference table and trailer."""
    result = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(result))
        result += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start = len(result)
    result += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    for offset in offsets:
        result += f"{offset:010d} 00000 n \n".encode()
    result += (
        f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R /Info {info} 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
    )
    return bytes(result)
