// Switch between light and dark. The default is the system's setting. The choice is stored if the browser allows it.

const THEME = "recipe-mpr-theme";
const isDark = () => getComputedStyle(document.documentElement).colorScheme === "dark"
  || (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);

function storedTheme() {
  try {
    return localStorage.getItem(THEME);
  } catch {
    return null; // a browser may forbid storage, for example for a page opened from disk
  }
}

function useTheme(theme) {
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  for (const button of document.querySelectorAll("[data-theme-switch]")) {
    button.hidden = false;
    button.textContent = isDark() ? "Light mode" : "Dark mode";
  }
}

function startTheme() {
  useTheme(storedTheme());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => useTheme(null));
  for (const button of document.querySelectorAll("[data-theme-switch]")) {
    button.addEventListener("click", () => {
      const chosen = isDark() ? "light" : "dark";
      try {
        localStorage.setItem(THEME, chosen);
      } catch { /* then the choice applies only to this page */ }
      useTheme(chosen);
    });
  }
}

startTheme();
