const key = "board-theme";
const choices = ["auto", "light", "dark"] as const;
type Choice = (typeof choices)[number];

/** What was chosen; a browser that keeps nothing has the system's. */
function chosen(): Choice {
  try {
    return choices.find((choice) => choice === localStorage.getItem(key)) ?? "auto";
  } catch {
    // Storage is forbidden here: the system decides.
    return "auto";
  }
}

/** Whether the page is dark now. */
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

/** Wires the theme button; `changed` is told, so that charts are drawn anew. */
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
      // Kept for nobody; the page itself cannot follow then.
    }
    redraw();
  });
}
