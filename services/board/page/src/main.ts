import { getJson, h } from "./dom.ts";
import { wireTheme } from "./theme.ts";
import type { View } from "./view.ts";

/** The view of each path. A view is loaded when it is first opened. */
const views: readonly { path: RegExp; load: () => Promise<(params: string[]) => View | Promise<View>> }[] = [
  { path: /^\/$/, load: async () => (await import("./live/live.ts")).showLive },
  {
    path: /^\/dashboards(?:\/([\w-]+))?$/,
    load: async () => (await import("./dashboards/dashboards.ts")).showDashboards,
  },
  { path: /^\/reports$/, load: async () => (await import("./pages/reports.ts")).showReports },
  { path: /^\/runbooks(?:\/(\w+))?$/, load: async () => (await import("./pages/runbooks.ts")).showRunbooks },
  { path: /^\/trainer$/, load: async () => (await import("./pages/trainer.ts")).showTrainer },
];

const main = document.getElementById("view") as HTMLElement;
let shown: View | undefined;

async function show(): Promise<void> {
  shown?.close();
  shown = undefined;
  const { pathname } = location;
  for (const link of document.querySelectorAll("nav a")) {
    const path = link.getAttribute("href") ?? "";
    const current = path === "/" ? pathname === "/" : pathname.startsWith(path);
    if (current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const view = views.find(({ path }) => path.test(pathname));
  if (view === undefined) return main.replaceChildren(h("p", {}, `Nothing is shown at ${pathname}.`));
  const open = await view.load();
  if (location.pathname !== pathname) return;
  try {
    shown = await open([...(view.path.exec(pathname) ?? [])].slice(1).filter((part) => part !== undefined));
    main.dataset["view"] = pathname.split("/")[1] || "live";
    main.replaceChildren(shown.element);
    shown.opened?.();
  } catch (error) {
    main.replaceChildren(h("p", { role: "alert" }, (error as Error).message));
  }
}

// The board's own links change the view without loading the page, so the stream and the theme stay.
document.addEventListener("click", (event) => {
  const link = (event.target as Element | null)?.closest?.("a");
  if (link == null || link.origin !== location.origin || link.target !== "" || event.ctrlKey || event.metaKey) return;
  if (link.hash !== "" || link.pathname.endsWith(".html")) return;
  event.preventDefault();
  if (link.href !== location.href) history.pushState(null, "", link.href);
  void show();
});
addEventListener("popstate", () => void show());
wireTheme(() => shown?.redraw?.());

const { stack } = await getJson<{ stack: string }>("/api/facts");
document.title = `${stack} · Hold the Line`;
(document.getElementById("stack") as HTMLElement).textContent = stack;
await show();
