"""The scripts that pages run. Each is known here, since the pages' policy lets no other run."""

# Once a tab. Tell the style sheet the theme, which it has no other way to know; and close the drawer, which is the bar
# of a phone, when a page is chosen in it, be it before this script came: Streamlit leaves it open over that page.
ONCE = """if (!document.documentElement.dataset.theme) {
  const app = document.querySelector(".stApp");
  const tell = () => (document.documentElement.dataset.theme = getComputedStyle(app).colorScheme);
  new MutationObserver(tell).observe(app, { attributes: true });
  tell();
  const close = (link) => {
    if (innerWidth < 768 && link.closest("[data-testid=stSidebarNavLink]"))
      document.querySelector("[data-testid=stSidebarCollapseButton] button").click();
  };
  document.addEventListener("click", ({ target }) => close(target));
  close(document.activeElement);
}"""

# By keyboard, in a document: formulas and tables come late, and what fits needs no stop.
_REACH = """{
  const main = document.querySelector("[data-testid=stMain]");
  const reach = () => {
    const wide = main.querySelectorAll(".st-key-document :is(table, .katex-display)");
    for (const part of wide) part.tabIndex = part.scrollWidth > part.clientWidth ? 0 : -1;
    if (main.querySelector(".st-key-document")) return;
    changes.disconnect();
    sizes.disconnect();
  };
  const changes = new MutationObserver(reach);
  const sizes = new ResizeObserver(reach);
  changes.observe(main, { childList: true, subtree: true });
  sizes.observe(main);
}"""


def reach_what_scrolls(document: str) -> str:
    """Return the script for a document of `docs/`; its name makes Streamlit run it anew where another was shown."""
    return f"{_REACH} // {document}"


SCRIPTS = (ONCE, *map(reach_what_scrolls, ("theory.md", "reproduction.md", "teaching/classroom.md")))
