"""A headless Chromium that draws without a graphics card, and what a page said and asked for while it was open."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

NAMES = ("chromium", "chromium-browser", "google-chrome")
SOFTWARE = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist")
FLAGS = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking", "--mute-audio", *SOFTWARE)
DESKTOP = {"viewport": {"width": 800, "height": 600}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 1}
PATIENCE_MS = 30_000  # the machine is shared


@dataclass
class Visit:
    """A page that is open, and what it said and asked for."""

    page: Any  # of playwright
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    answered: list[Any] = field(default_factory=list)

    def hosts(self) -> set[str]:
        """Whom the page asked, beside itself (data, blob)."""
        asked = (urlsplit(url) for url in self.requests)
        return {url.netloc for url in asked if url.scheme not in ("data", "blob")}

    def call(self, body: str, argument: Any = None) -> Any:
        """What a function of the viewer `v` and an argument `a` gives."""
        return self.page.evaluate(f"async (a) => {{ const v = window.da3_viewer; {body} }}", argument)

    def wait(self, condition: str) -> None:
        """Until a condition of the viewer `v` holds."""
        self.page.wait_for_function(f"() => {{ const v = window.da3_viewer; return v && ({condition}); }}")


def find_chromium() -> str | None:
    """The program, where it is installed."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def visit(browser: Any, address: str, screen: dict[str, Any] | None = None) -> Iterator[Visit]:
    """Open a page in a context of its own (no cookie of another visit)."""
    context = browser.new_context(**(screen or DESKTOP))
    context.set_default_timeout(PATIENCE_MS)
    found = Visit(context.new_page())
    found.page.on("console", lambda said: found.errors.append(said.text) if said.type == "error" else None)
    found.page.on("pageerror", lambda error: found.errors.append(str(error)))
    found.page.on("request", lambda request: found.requests.append(request.url))
    found.page.on("requestfinished", lambda request: found.answered.append(request))
    try:
        found.page.goto(address)
        yield found
    finally:
        context.close()
