"""QR codes for pages and for documents."""

from __future__ import annotations

from xml.etree import ElementTree

from hierarchy.lib import qr

ADDRESS = "https://contoh.id/laporan/018d8f3e-0000-7000-8000-000000000001/"


def drawn(svg: str) -> ElementTree.Element:
    assert svg.startswith("<svg"), "no XML declaration: it stands inside a page or a document"
    return ElementTree.fromstring(svg)


def test_a_page_sizes_it_and_a_screen_reader_says_what_it_is() -> None:
    picture = drawn(qr.inline(ADDRESS, title="Kode <QR>"))
    assert {"width", "height"}.isdisjoint(picture.attrib)
    assert [part.text for part in picture if part.tag.endswith("title")] == ["Kode <QR>"]


def test_a_document_gets_it_with_a_size_and_without_a_margin() -> None:
    picture, on_page = drawn(qr.image(ADDRESS)), drawn(qr.inline(ADDRESS, title=""))
    assert int(picture.attrib["width"]) + 2 * 4 == int(on_page.attrib["viewBox"].split()[-1])
