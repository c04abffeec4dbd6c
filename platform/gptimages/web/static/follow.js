// Looks again every two seconds while an element says data-follow, and puts the new state in its place; the page works without it.
"use strict";
const every = 2000;
async function look() {
  const shown = document.querySelector("[data-follow]");
  if (!shown) return;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (answer.redirected) return location.reload();
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const main = page.querySelector("main");
    if (answer.ok && main && document.querySelector("main").innerHTML !== main.innerHTML) document.querySelector("main").replaceChildren(...main.childNodes);
  } catch { /* the network is away for a moment; look again */ }
  setTimeout(look, every);
}
setTimeout(look, every);
