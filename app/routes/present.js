// The presenter's link: takes the token out of the address, and exchanges it for a cookie.

const token = location.hash.slice(1);
history.replaceState(null, "", location.pathname);
const told = document.querySelector("p");
try {
  const answer = await fetch(location.pathname, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token }),
  });
  if (answer.ok) location.replace(new URL("../../", location.href).href);
  else told.textContent = `The lab did not open: ${(await answer.json()).error}.`;
} catch {
  told.textContent = "The server did not answer. Is it still running?";
}
