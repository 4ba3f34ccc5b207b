"""What runs once a tab, on every page."""

# Tell the style sheet the theme, which it has no other way to know; and close the drawer, which is the bar of a phone,
# when a page is chosen in it: Streamlit leaves it open over that page.
ONCE = """if (!document.documentElement.dataset.theme) {
  const app = document.querySelector(".stApp");
  const tell = () => (document.documentElement.dataset.theme = getComputedStyle(app).colorScheme);
  new MutationObserver(tell).observe(app, { attributes: true });
  tell();
  document.addEventListener("click", ({ target }) => {
    if (innerWidth < 768 && target.closest("[data-testid=stSidebarNavLink]"))
      document.querySelector("[data-testid=stSidebarCollapseButton] button").click();
  });
}"""
