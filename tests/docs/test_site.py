"""The documentation site, made once: it hangs together, stands alone, and has every public name."""

import functools
import pkgutil
import re
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

pytest.importorskip("sphinx")

from tests.api.listing import FIXTURES, sections
from tests.dashboard.browser import Browser, open_browser
from tests.docs.reading import PAGES, ROOT
from tests.docs.site import HOST, Site, make_site

MADE_BY_SPHINX = {"genindex.html", "search.html"}
"""Pages that no page of ours is the source of."""
LINK = re.compile(r"\]\((?P<url>[^)\s]+)\)")
PHONE = 360
# The contrast between the text of a page and its background, as WCAG 2 reckons it.
CONTRAST = """
const channels = (color) => color.match(/[\\d.]+/g).slice(0, 3).map(Number);
const light = (color) => channels(color)
    .map((each) => each / 255)
    .map((each) => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
    .reduce((sum, each, index) => sum + each * [0.2126, 0.7152, 0.0722][index], 0);
const text = light(getComputedStyle(document.querySelector("article")).color);
const behind = light(getComputedStyle(document.body).backgroundColor);
return (Math.max(text, behind) + 0.05) / (Math.min(text, behind) + 0.05);
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """As `./dev docs` makes it, which fails at a name or a link that leads nowhere."""
    return make_site(tmp_path_factory.mktemp("site") / "html")


def test_every_page_is_made(site: Site) -> None:
    """One for each file of Markdown."""
    sources = {path.relative_to(ROOT / "docs").with_suffix(".html").as_posix() for path in PAGES}
    assert site.pages.keys() - MADE_BY_SPHINX == sources


def test_every_link_leads_somewhere_inside(site: Site) -> None:
    """With its anchor; to other sites a link may lead, but there are few."""
    broken = [
        f"{page.name}: {link}"
        for page in site.pages.values()
        for link in page.links
        if not link.startswith(("https://", "mailto:")) and not site.holds(page.joined(link))
    ]
    assert broken == []


def test_nothing_is_loaded_from_elsewhere(site: Site) -> None:
    """Neither scripts nor styles, fonts or pictures, by a page or by a style sheet."""
    assert site.loads_from_elsewhere() == set()
    assert [*site.styles()]  # which are looked into


def test_every_page_can_be_reached_from_the_first(site: Site) -> None:
    """By links alone."""
    reached, waiting = set[str](), ["index.html"]
    while waiting:
        name = waiting.pop()
        if name in reached or name not in site.pages:
            continue
        reached.add(name)
        page = site.pages[name]
        full = [page.joined(link) for link in page.links]
        waiting += [each.partition("#")[0].removeprefix(HOST) for each in full]
    assert site.pages.keys() - reached == set()


def test_every_page_says_what_it_is(site: Site) -> None:
    """By a title and a description, of a length that is shown whole."""
    for page in site.pages.values():
        assert page.title, page.name
        assert 20 < len(page.description) <= 400, f"{page.name}: {page.description!r}"


def test_titles_differ(site: Site) -> None:
    """Or a search would show two pages of one name."""
    titles = [page.title for page in site.pages.values()]
    assert sorted(titles) == sorted(set(titles))


def test_every_public_name_is_on_a_page(site: Site) -> None:
    """Under each name that it can be imported by."""
    known = site.names()
    wanted = {name for names in sections().values() for name in names if "." in name}
    wanted |= {f"resilient_http_client.pytest_plugin.{name}" for name in FIXTURES}
    assert wanted - known == set()


def test_no_page_names_what_does_not_exist(site: Site) -> None:
    """Each can be found in its module; of instances, what only they have is taken on trust."""
    for name in sorted(site.names()):
        owner, _, last = name.rpartition(".")
        found = pkgutil.resolve_name(owner)
        assert hasattr(found, last) or isinstance(found, type), name


def test_every_field_has_its_text(site: Site) -> None:
    """No attribute and no method stands there by its name alone."""
    bare = re.compile(
        r'id="(client\.[\w.]+|server\.[\w.]+)">(?:(?!<dt).)*?</dt>\n<dd></dd>', re.DOTALL
    )
    for page in site.pages.values():
        if page.name.startswith("reference/api/"):
            assert bare.findall(site.text(page.name)) == [], page.name


def test_programs_find_every_page(site: Site) -> None:
    """llms.txt is as llmstxt.org has it: a title, a summary, sections of links with a word each."""
    title, _, summary, *lines = site.text("llms.txt").splitlines()
    assert title == "# resilient-http-client"
    assert summary.startswith("> ")
    entries = [line for line in lines if line.startswith("- ")]
    links = [found["url"] for line in entries if (found := LINK.search(line))]
    assert sorted(links) == sorted(site.pages.keys() - MADE_BY_SPHINX)
    assert all(re.fullmatch(r"- \[.+\]\([^)]+\): .+", line) for line in entries)


def test_programs_can_read_all_pages_at_once(site: Site) -> None:
    """llms-full.txt has them in order, with links that lead to the pages."""
    text = site.text("llms-full.txt")
    titles = [path.read_text("utf-8").partition("\n")[0] for path in PAGES]
    lines = text.splitlines()
    assert [title for title in titles if title not in lines] == []
    assert "{toctree}" not in text
    assert "{public}" not in text
    assert "class client.ResilientClient" in text
    prose = re.sub(r"^```.*?^```$|`[^`\n]+`", "", text, flags=re.MULTILINE | re.DOTALL)
    inside = [found["url"] for found in LINK.finditer(prose) if "//" not in found["url"]]
    assert [url for url in inside if not site.holds(HOST + url)] == []


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for all."""
    with open_browser() as made:
        yield made


@pytest.fixture(params=["file", "http"])
def address(request: pytest.FixtureRequest, site: Site) -> Iterator[str]:
    """Where the site is: in a folder, or behind a server."""
    if request.param == "file":
        yield site.root.as_uri()
        return
    handler = functools.partial(_Silent, directory=str(site.root))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as its base has it
        """Say nothing."""


def test_a_word_can_be_searched_for(browser: Browser, address: str) -> None:
    """By typing it into a page; what is found leads to the pages, and nothing else is asked."""
    browser.open(f"{address}/index.html")
    browser.requested()
    browser.complaints()
    browser.run("document.querySelector('input[name=q]').focus()")
    browser.press("deadline\n")
    browser.wait("return document.querySelectorAll('#search-results li a').length > 0")
    browser.wait_for_text("#search-results a", "Deadline")
    browser.run(
        "[...document.querySelectorAll('#search-results a')]"
        ".find((each) => each.textContent.includes('Deadline')).click()"
    )
    browser.wait("return document.title.includes('Deadline')")
    assert [each for each in browser.requested() if not each.startswith((address, "data:"))] == []
    assert browser.complaints() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_can_be_read_on_a_phone(browser: Browser, site: Site, scheme: str) -> None:
    """No page scrolls sideways, and its text stands out from what is behind it."""
    browser.look(width=PHONE, height=800, scheme=scheme)
    browser.complaints()
    wide = {}
    for name in sorted(site.pages):
        browser.open((site.root / name).as_uri())
        if (width := browser.run("return document.documentElement.scrollWidth")) > PHONE:
            wide[name] = width
        assert browser.run(CONTRAST) > 4.5, name  # WCAG's least for text
    assert wide == {}
    assert browser.complaints() == []
