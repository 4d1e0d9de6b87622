"""Looks a report's page through: check_page.py PAGE [TEXT ...] fails where the page is not well-formed, loads anything,
leaves a reader out, or does not show each of the texts as text."""

import html.parser
import os
import re
import sys

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.targets, self.text, self.images = [], [], [], [], []
        self.tags = {}

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        self.tags[tag] = self.tags.get(tag, 0) + 1
        assert len(named) == len(attributes), (tag, attributes)
        assert not any(name.startswith("on") for name in named), (tag, attributes)
        for name, value in attributes:
            if name in ("src", "srcset", "data", "action", "poster"):
                assert name == "src" and value.startswith("data:image/png;base64,"), (tag, name, value[:60])
            if name in ("href", "xlink:href"):
                assert value.startswith("#"), (tag, name, value)
                self.targets.append(value[1:])
            assert value is None or "url(" not in value, (tag, name, value)
        if "id" in named:
            self.ids.append(named["id"])
        if tag == "img":
            assert named["alt"].startswith("Row "), named["alt"]
            self.images.append(named["src"])
        if tag == "th":
            assert named.get("scope") in ("col", "row"), attributes
        if tag == "svg":
            assert named.get("role") == "img" and named["aria-label"], attributes
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (tag, self.open, self.getpos())
        self.open.pop()

    def handle_data(self, data):
        self.text.append(data)


path = sys.argv[1]
assert os.path.getsize(path) < 3 << 20, os.path.getsize(path)
source = open(path, encoding="utf-8", errors="strict").read()
page = Page()
page.feed(source)
page.close()
assert page.open == [], page.open
assert len(set(page.ids)) == len(page.ids), sorted(i for i in page.ids if page.ids.count(i) > 1)
assert set(page.targets) <= set(page.ids), set(page.targets) - set(page.ids)
assert not {"script", "link", "iframe", "object", "form"} & set(page.tags), page.tags
assert page.tags["html"] == page.tags["h1"] == page.tags["title"] == page.tags["main"] == 1, page.tags
assert page.tags["table"] == page.tags["caption"], page.tags
assert "default-src 'none'" in source and "@import" not in source and "url(" not in source
assert set(re.findall(r"https?://[^\"' ]*", source)) <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
assert "nan" not in re.findall(r"[a-z]+", "".join(page.text).lower())
for wanted in sys.argv[2:]:
    assert wanted in "".join(page.text), wanted
