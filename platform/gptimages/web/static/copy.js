// Buttons that copy the text of an element. Without a script, or without a clipboard, they stay hidden.
for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  const label = button.querySelector("span"), usual = label.textContent;
  button.addEventListener("click", async () => {
    const from = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(from.value ?? from.textContent);
      label.textContent = "Copied";
    } catch {
      label.textContent = "Select and copy it by hand";
    }
    setTimeout(() => { label.textContent = usual; }, 2000);
  });
}
