"""Reading a page as a browser would: its elements, their texts, and whether its tags are balanced."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "img"}
BARE = {"line", "circle", "polyline"}


@dataclass
class Element:
    """An element with what stands in it."""

    tag: str
    attributes: dict[str, str]
    parts: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text in it, blanks made one."""
        return " ".join("".join(self._texts()).split())

    def _texts(self) -> Iterator[str]:
        for part in self.parts:
            if isinstance(part, str):
                yield part
            else:
                yield from part._texts()

    def all(self, tag: str, **wanted: str) -> list[Element]:
        """The elements of that tag in it, at any depth, with these attributes."""
        return [one for one in self.every() if one.tag == tag and wanted.items() <= one.attributes.items()]

    def one(self, tag: str, **wanted: str) -> Element:
        """The only one of them."""
        (found,) = self.all(tag, **wanted)
        return found

    def every(self) -> Iterator[Element]:
        """All elements in it, in their order."""
        for part in self.parts:
            if isinstance(part, Element):
                yield part
                yield from part.every()

    def rows(self) -> list[list[str]]:
        """A table's rows as texts, what only hearers get left out."""
        return [
            [
                " ".join("".join(cell._texts_seen()).split())
                for cell in row.parts
                if isinstance(cell, Element) and cell.tag in ("td", "th")
            ]
            for row in self.all("tr")
        ]

    def _texts_seen(self) -> Iterator[str]:
        for part in self.parts:
            if isinstance(part, str):
                yield part
            elif part.attributes.get("class") != "heard":
                yield from part._texts_seen()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Element("root", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].parts.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in BARE, f"<{tag}/> would stay open in HTML"
        self.open[-1].parts.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}> at {self.getpos()}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].parts.append(data)


def read(page: str) -> Element:
    """The page; AssertionError for a tag that is not closed, or closes another."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == [reader.root], f"<{reader.open[-1].tag}> is not closed"
    return reader.root
