import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { docker } from "./compose-stack.ts";

const root = join(import.meta.dirname, "../..");
const present = (file: string) => existsSync(join(root, file));

/** Other servers of the backplane. A stack has one of these. */
const backplanes = [["redis-sentinel"], ["redis-cluster"], ["nats"], ["nats", "nats-cluster"]];

/** Every combination of the other overlays; with another backplane each of them, and all. */
function combinations(): string[][] {
  const others = readdirSync(join(root, "deploy"), { recursive: true })
    .map(String)
    .filter((path) => path.endsWith("/compose.yaml"))
    .map(dirname)
    .filter((name) => !backplanes.flat().includes(name));
  expect(others.length).toBeGreaterThanOrEqual(4);
  const sets = Array.from({ length: 2 ** others.length }, (_, set) => others.filter((_, index) => set & (1 << index)));
  // make refuses an application with another backplane.
  const beside = others.filter((name) => name !== "app");
  return [
    ...sets,
    ...backplanes.flatMap((names) => [[], ...beside.map((one) => [one]), beside].map((more) => [...names, ...more])),
  ];
}

test("no Compose warning in any combination of overlays", () => {
  for (const names of combinations()) {
    // make puts the part for a second proxy, and for other servers of the backplane, behind its overlay.
    const several = names.filter((name) => ["proxies", ...backplanes.flat()].includes(name));
    const parts = several.flatMap((one) => names.map((name) => `deploy/${one}/${name}.yaml`)).filter(present);
    const order = [...new Set([...several, ...names])];
    const chosen = [...order.map((name) => `deploy/${name}/compose.yaml`), ...parts].flatMap((file) => [
      "--file",
      file,
    ]);
    const command = ["docker", "compose", "--file", "compose.yaml", ...chosen, "--profile", "'*'", "config", "--quiet"];
    // make sets the image from the file that APP names.
    const env = { ...process.env, APP_IMAGE: "an/application:1" };
    expect(execFileSync("sh", ["-c", `${command.join(" ")} 2>&1`], { encoding: "utf8", env })).toBe("");
  }
}, 300_000);

test("an image that cannot be pulled ends make up with one line that names both ways out", () => {
  const stack = "pull-fails";
  const make = (target: string) =>
    spawnSync("make", ["--no-print-directory", target], {
      cwd: root,
      env: {
        ...process.env,
        STACK: stack,
        PORT_BASE: "9000",
        ENGINE: "compose",
        GRAFANA: "0",
        ENV_FILE: "/dev/null",
        IMAGE_REDIS: "registry.invalid/hold-the-line/none:1",
      },
      encoding: "utf8",
    });
  try {
    const { status, stderr } = make("up");
    expect(status).not.toBe(0);
    const [said, ...more] = stderr.split("\n").filter((line) => line !== "" && !/^make(\[\d+\])?: \*\*\*/.test(line));
    expect(more).toEqual([]);
    expect(said).toMatch(/an image cannot be pulled.*make images-debian.*IMAGE_\*.*GRAFANA=0/);
  } finally {
    make("down");
    const built = docker("image", "ls", "--quiet", "--filter", `reference=hold-the-line/*:${stack}`).split("\n");
    docker("image", "rm", "--force", ...new Set(built.filter((id) => id !== "")));
  }
  expect(docker("ps", "--all", "--quiet", "--filter", `label=com.docker.compose.project=${stack}`)).toBe("");
});
