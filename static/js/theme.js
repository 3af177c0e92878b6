// Light, dark, or like the system. The cookie lets the server render the right theme without a flash;
// "system-dark" tells it what the system's choice was the last time.
(() => {
  "use strict";
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");

  function apply(theme) {
    const shown = theme === "system" ? (system.matches ? "dark" : "light") : theme;
    const stored = theme === "system" ? `system-${shown}` : theme;
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `agentgym_theme=${stored}; path=/; max-age=31536000; samesite=lax${secure}`;
    root.dataset.theme = theme;
    if (root.dataset.bsTheme !== shown) {
      root.dataset.bsTheme = shown;
      document.dispatchEvent(new CustomEvent("themechange"));
    }
    for (const button of document.querySelectorAll("[data-set-theme]")) {
      button.setAttribute("aria-pressed", String(button.dataset.setTheme === theme));
    }
  }

  apply(root.dataset.theme || "system");
  system.addEventListener("change", () => {
    if (root.dataset.theme === "system") apply("system");
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-set-theme]");
    if (button) apply(button.dataset.setTheme);
  });
})();
