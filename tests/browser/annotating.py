"""How a person moves through the annotator's pages, for browser tests."""

from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.site_kit import Site


class Annotating:
    """One person with a browser of their own."""

    def __init__(self, chromium: Browser, site: Site, invite: str, **context: object) -> None:
        self.context: BrowserContext = chromium.new_context(**context)
        self.site, self.invite = site, invite
        self.trouble: list[str] = []
        self.page: Page = self.tab()

    def tab(self) -> Page:
        """Open another tab; scripts that fail or are forbidden are remembered."""
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.trouble.append(str(error)))
        page.on("console", self._hear)
        return page

    def _hear(self, message: object) -> None:
        # A lost connection is said in the console too, and some tests cut it on purpose.
        if message.type == "error" and "ERR_" not in message.text:
            self.trouble.append(message.text)

    def address(self, name: str = "") -> str:
        return f"{self.site.url}/s/{self.invite}/{name}"

    def arrive(self) -> Page:
        """Go through consent and instructions to the first comparison."""
        self.page.goto(self.address())
        self.page.get_by_role("checkbox", name="I have read this").check()
        self.page.get_by_role("button", name="Continue").click()
        self.page.get_by_role("button", name="Start comparing").click()
        expect(self.page.get_by_role("heading", name="Response A")).to_be_visible()
        return self.page

    def answer(self, name: str = "A is better", page: Page | None = None) -> None:
        """Pick an answer, confirm it, and wait until another page stands there."""
        page = page or self.page
        shown = key(page)
        page.get_by_role("radio", name=name, exact=True).check()
        page.get_by_role("button", name="Next", exact=True).click()
        moved_on(page, shown)

    def press(self, *keys: str) -> None:
        """Press keys, the last of which confirms, and wait until another page stands there."""
        shown = key(self.page)
        for name in keys:
            self.page.keyboard.press(name)
        moved_on(self.page, shown)


def key(page: Page) -> str:
    """Return the idempotency key of the page on screen."""
    return page.locator("input[name=key]").input_value()


def moved_on(page: Page, shown: str) -> None:
    """Wait until the page with the key ``shown`` is gone."""
    expect(page.locator(f'input[name=key][value="{shown}"]')).to_have_count(0, timeout=20_000)
    page.wait_for_load_state("load")
