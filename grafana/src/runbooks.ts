import { readdirSync, readFileSync } from "node:fs";
import { buildDashboard } from "./dashboard.ts";
import { text } from "./panels.ts";

const folder = new URL("../../docs/runbooks/", import.meta.url);

/** Every runbook of docs/runbooks as a panel, so that the reader of an alert needs no other site. */
export const runbooks = () =>
  buildDashboard({
    uid: "htl-runbooks",
    title: "Runbooks",
    description: "A runbook for each alert, from docs/runbooks: what the user feels, first query, causes, commands.",
    sections: [
      {
        title: "Runbooks, by the alert's name",
        panels: readdirSync(folder)
          .filter((name) => name.endsWith(".md") && name !== "README.md")
          .sort()
          .map((name) =>
            text({
              title: name.replace(/\.md$/, ""),
              description: `docs/runbooks/${name}`,
              // The panel's title already is the heading.
              markdown: readFileSync(new URL(name, folder), "utf8").replace(/^# .*\n+/, ""),
              width: 12,
              height: 16,
            }),
          ),
      },
    ],
  });
