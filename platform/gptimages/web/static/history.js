// The history with a script: the selection is counted, stars answer at once, earlier pictures come by themselves.
// Without it the same forms and buttons do the same by loading a page.
const form = document.querySelector("[data-pictures]");
if (form) {
  const bulk = form.querySelector("[data-bulk]"), words = bulk.querySelector("[data-selected]");
  const size = (bytes) => bytes < 1e6 ? `${Math.round(bytes / 1e3)}\u202fkB` : `${(bytes / 1e6).toFixed(1)}\u202fMB`;

  const count = () => {
    const picked = [...form.querySelectorAll("input[name=pick]:checked")];
    const months = [...form.querySelectorAll("input[name=month]:checked")];
    bulk.hidden = !picked.length && !months.length;
    const bytes = picked.reduce((sum, box) => sum + Number(box.closest("li").dataset.bytes), 0);
    words.replaceChildren(Object.assign(document.createElement("b"), { textContent: `${picked.length} selected` }), `, ${size(bytes)}`);
    if (months.length) words.append(months.length === 1 ? ", and all of one month" : `, and all of ${months.length} months`);
  };

  form.addEventListener("change", (event) => {
    const box = event.target, month = box.closest("[data-month]");
    if (box.name === "month") {
      for (const other of form.querySelectorAll(`[data-month="${month.dataset.month}"] input[name=pick]`)) other.checked = box.checked;
    } else if (box.name === "pick" && !box.checked) {
      const whole = month.querySelector("input[name=month]");
      if (whole) whole.checked = false;
    }
    count();
  });
  count();

  form.addEventListener("click", async (event) => {
    const star = event.target.closest(".star");
    if (!star) return;
    event.preventDefault();
    const on = star.value === "on";
    const answer = await fetch(star.formAction, { method: "POST", body: new URLSearchParams({ favourite: star.value }), redirect: "manual" });
    if (answer.type !== "opaqueredirect" && !answer.ok) return location.reload();
    star.value = on ? "off" : "on";
    star.setAttribute("aria-pressed", String(on));
  });

  const watch = (more) => {
    const seen = new IntersectionObserver(async ([entry]) => {
      if (!entry.isIntersecting) return;
      seen.disconnect();
      const asked = new URLSearchParams(new FormData(more));
      const post = more.method === "post";
      const answer = await fetch(post ? more.action : `${more.action}?${asked}`, post ? { method: "POST", body: asked } : {});
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const month of page.querySelectorAll("[data-month]")) {
        const there = form.querySelector(`[data-month="${month.dataset.month}"]`);
        if (there) there.querySelector(".hang").append(...month.querySelectorAll(".hang > li"));
        else bulk.before(month);
      }
      const next = page.querySelector("[data-more]");
      if (next) {
        more.replaceWith(next);
        watch(next);
      } else more.remove();
    }, { rootMargin: "800px" });
    seen.observe(more);
  };
  const more = document.querySelector("[data-more]");
  if (more && window.IntersectionObserver) watch(more);
}
