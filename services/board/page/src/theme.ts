const key = "board-theme";
const choices = ["auto", "light", "dark"] as const;
type Choice = (typeof choices)[number];

/** The chosen theme. Without storage the system's theme applies. */
function chosen(): Choice {
  try {
    return choices.find((choice) => choice === localStorage.getItem(key)) ?? "auto";
  } catch {
    // The browser forbids storage, so the system's theme applies.
    return "auto";
  }
}

/** True if the page is dark now. */
export function isDark(): boolean {
  const choice = chosen();
  return choice === "auto" ? matchMedia("(prefers-color-scheme: dark)").matches : choice === "dark";
}

function apply(): void {
  document.documentElement.dataset["theme"] = isDark() ? "dark" : "light";
  const button = document.getElementById("theme");
  if (button !== null) button.textContent = `Theme: ${chosen()}`;
}

apply();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply);

/** Wires the theme button. `changed` is called, so that charts are redrawn. */
export function wireTheme(changed: () => void): void {
  apply();
  const redraw = () => {
    apply();
    changed();
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  document.getElementById("theme")?.addEventListener("click", () => {
    const next = choices[(choices.indexOf(chosen()) + 1) % choices.length] ?? "auto";
    try {
      localStorage.setItem(key, next);
    } catch {
      // The choice cannot be stored. It applies to this page only.
    }
    redraw();
  });
}
