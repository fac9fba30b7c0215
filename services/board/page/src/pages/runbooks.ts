import { getJson, h } from "../dom.ts";
import type { View } from "../view.ts";

/** The list of runbooks, and the chosen one. */
export async function showRunbooks([wanted]: string[]): Promise<View> {
  const names = await getJson<string[]>("/api/runbooks");
  const name = wanted ?? names[0];
  const body = h("article", { class: "panel prose" });
  if (name !== undefined) body.innerHTML = (await getJson<{ html: string }>(`/api/runbooks/${name}`)).html;
  const links = names.map((one) =>
    h("a", { href: `/runbooks/${one}`, "aria-current": one === name ? "page" : null }, one),
  );
  const element = h(
    "div",
    {},
    h("div", { class: "bar" }, h("h1", {}, "Runbooks")),
    h("div", { class: "columns" }, h("nav", { class: "panel", "aria-label": "Runbooks" }, ...links), body),
  );
  return { element, close: () => undefined };
}
