// Small things that every page may use: copy buttons, forms sent once, focus on errors, keys in transcripts.
(() => {
  "use strict";

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const label = button.querySelector("span");
    try {
      await navigator.clipboard.writeText(document.querySelector(button.dataset.copy).textContent);
      label.textContent = "Copied";
    } catch {
      label.textContent = "Select the text and copy it";
    }
    label.classList.remove("visually-hidden");
    setTimeout(() => {
      label.textContent = "Copy";
      label.classList.add("visually-hidden");
    }, 2000);
  });

  // A second click while the first is on its way must not start a second run.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("form[data-once]")) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    for (const button of form.querySelectorAll("button[type=submit]")) {
      button.setAttribute("aria-disabled", "true");
      button.classList.add("disabled");
    }
  });
  // A page that comes back from the browser's cache may be sent again.
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    for (const form of document.querySelectorAll("form[data-sent]")) {
      delete form.dataset.sent;
      for (const button of form.querySelectorAll(".disabled")) {
        button.classList.remove("disabled");
        button.removeAttribute("aria-disabled");
      }
    }
  });

  document.addEventListener("DOMContentLoaded", () => document.querySelector("[data-focus]")?.focus());

  // Filters apply at once; their button stays for people without scripts.
  document.addEventListener("change", (event) => {
    event.target.closest("form[data-auto]")?.requestSubmit();
  });

  // j and k walk through the steps of a transcript; the address keeps the place.
  document.addEventListener("keydown", (event) => {
    const steps = [...document.querySelectorAll(".step")];
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (!steps.length || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key !== "j" && event.key !== "k") return;
    const here = steps.findIndex((step) => `#${step.id}` === location.hash);
    const next = event.key === "j" ? here + 1 : Math.max(0, here - 1);
    const step = steps[Math.min(next, steps.length - 1)];
    history.replaceState(null, "", `#${step.id}`);
    step.focus({ preventScroll: true });
    step.scrollIntoView({ block: "start" });
  });
})();
