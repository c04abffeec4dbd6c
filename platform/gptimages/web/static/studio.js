// The studio with a script: progress as it happens, a count of characters, and the names of chosen files.
// Without it the same page works by forms, and a run's own page reloads itself.
const compose = document.querySelector("[data-compose]");
if (compose) {
  const prompt = compose.elements.prompt, counter = compose.querySelector("[data-count]"), most = Number(counter.dataset.most);
  const figure = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, "\u202f");
  const count = () => {
    const length = [...prompt.value.trim()].length;
    counter.textContent = `${figure(length)} of ${figure(most)}`;
    prompt.setCustomValidity(length > most ? `Shorten your description to ${figure(most)} characters.` : "");
  };
  prompt.addEventListener("input", count);
  count();

  const make = compose.querySelector("[data-make]"), number = compose.elements.count;
  number.addEventListener("change", () => { make.textContent = `Make ${number.selectedOptions[0].textContent}`; });
  compose.addEventListener("submit", () => { setTimeout(() => { make.disabled = true; }); });
  window.addEventListener("pageshow", () => { make.disabled = false; });

  const files = compose.querySelector("input[type=file]"), chosen = compose.querySelector("[data-chosen]"), usual = chosen.innerHTML;
  files.addEventListener("change", () => {
    if (files.files.length) chosen.textContent = [...files.files].map((file) => file.name).join(", ");
    else chosen.innerHTML = usual;
  });
}

function follow(section) {
  const source = new EventSource(section.dataset.events);
  const find = (name) => section.querySelector(`[data-${name}]`);

  const renew = async () => {  // begun, a new picture, or the end: the server draws the page, and its two parts are taken over
    const answer = await fetch(section.dataset.page, { headers: { accept: "text/html" } });
    if (!answer.ok) return location.reload();
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const id of ["run", "journey"]) {
      const fresh = page.getElementById(id);
      if (fresh) document.getElementById(id).replaceWith(fresh);
    }
    section = document.getElementById("run");
  };

  const show = (status) => {
    const told = find("told"), progress = section.querySelector("progress"), left = find("left");
    if (!told) return;
    const where = status.state === "queued" ? "Waiting for its turn" : `Picture ${status.position} of ${status.count}`;
    told.innerHTML = "";
    told.append(Object.assign(document.createElement("b"), { textContent: where }));
    if (status.steps) {
      told.append(`, step ${status.step} of ${status.steps}`);
      progress.max = status.steps;
      progress.value = status.step;
    } else progress.removeAttribute("value");
    left.textContent = status.seconds_left === null ? "" : `about ${status.seconds_left} s left`;
    const spoken = find("spoken");
    if (spoken.textContent !== where) spoken.textContent = where;
    if (status.partial) partial(status);
  };

  const partial = (status) => {  // the next unfinished picture takes the place of the last one once it is loaded
    const next = new Image();
    next.onload = () => {
      const place = find("partial"), waiting = find("waiting");
      next.width = place?.getAttribute("width") ?? next.naturalWidth;
      next.height = place?.getAttribute("height") ?? next.naturalHeight;
      next.alt = `Unfinished picture ${status.position} of ${status.count}`;
      next.dataset.partial = "";
      (place?.closest("a") ?? place ?? waiting)?.replaceWith(next);
    };
    next.src = status.partial;
  };

  source.addEventListener("run", async (event) => {
    const status = JSON.parse(event.data);
    const { state, made } = section.dataset;
    if (status.state !== state || String(status.made) !== made) await renew();
    show(status);
  });
  source.addEventListener("end", () => {
    source.close();
    document.getElementById("to-run")?.remove();
    renew();
  });
}

const running = document.querySelector("[data-events]");
if (running && window.EventSource) follow(running);
