import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { marked } from "marked";
import { AdminError } from "../../common/admin-access.ts";

/** Renders the runbooks of docs/runbooks. The files belong to the repository, so their content is trusted. */
export function createRunbooks(dir: string) {
  const names = existsSync(dir)
    ? readdirSync(dir)
        .flatMap((file) => /^(\w+)\.md$/.exec(file)?.[1] ?? [])
        .filter((name) => name !== "README")
        .sort()
    : [];
  return {
    list: () => names,
    /** @throws AdminError 404 */
    page(name: string): { name: string; html: string } {
      if (!names.includes(name)) throw new AdminError(404, `no runbook ${name}: there are ${names.join(", ")}`);
      return { name, html: renderMarkdown(readFileSync(join(dir, `${name}.md`), "utf8")) };
    },
  };
}

export type Runbooks = ReturnType<typeof createRunbooks>;

/** Renders Markdown as HTML. Links to other runbooks lead to their pages on the board. */
export function renderMarkdown(text: string): string {
  return marked
    .parse(text, { async: false })
    .replace(/href="(?:\.\/)?(\w+)\.md"/g, 'href="/runbooks/$1"')
    .replace(/href="(?:\.\.\/|\/)[^"]*\.md[^"]*"/g, 'href="/runbooks"');
}
