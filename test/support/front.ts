import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { until } from "./poll.ts";
import { type Program, startProgram } from "./program.ts";

/** nginx or HAProxy in front of the proxy, with TLS and without. */
export interface Front {
  url: string;
  tlsUrl: string;
  program: Program;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The n-th block of that language in docs/proxies-in-front.md. */
export function documented(language: "nginx" | "haproxy", index = 0): string {
  const blocks = [...readFileSync("docs/proxies-in-front.md", "utf8").matchAll(/^```(\w+)\n(.*?)^```$/gms)];
  const found = blocks.filter(([, name]) => name === language)[index]?.[2];
  if (found === undefined) throw new Error(`docs/proxies-in-front.md has no ${language} block ${index}`);
  return found;
}

/** A configuration without the matching lines. Throws if none matches, because then the docs have changed. */
export function without(text: string, ...lines: RegExp[]): string {
  const kept = text.split("\n").filter((line) => !lines.some((pattern) => pattern.test(line)));
  for (const pattern of lines)
    if (!text.split("\n").some((line) => pattern.test(line))) throw new Error(`no line ${pattern}`);
  return kept.join("\n");
}

/**
 * Starts nginx with the documented server, and with a second one without TLS.
 *
 * @param text the documented configuration, or a part of it
 * @param more locations besides `/`
 */
export async function startNginx(text: string, upstreamUrl: string, more = ""): Promise<Front> {
  const { dir, port, tlsPort } = await place();
  const ours = text
    .replaceAll("http://127.0.0.1:8080", upstreamUrl)
    .replaceAll("/etc/nginx/", `${dir}/`)
    .replace("  location / {", `${more.replaceAll("http://127.0.0.1:8080", upstreamUrl)}\n  location / {`);
  const plain = ours
    .replace(/^map.*?^}\n/ms, "")
    .replace("443 ssl", String(port))
    .replaceAll(/^ +ssl_.*\n/gm, "");
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${dir}/${name};`,
  );
  writeFileSync(
    join(dir, "nginx.conf"),
    [
      `pid ${dir}/nginx.pid; error_log stderr warn; worker_processes 1; daemon off;`,
      "events { worker_connections 500; }",
      `http { access_log off; ${temporary.join(" ")}`,
      ours.replace("443 ssl", `${tlsPort} ssl`),
      plain,
      "}",
    ].join("\n"),
  );
  // A killed master would leave its worker behind.
  return front(dir, port, tlsPort, startProgram("nginx", ["-e", "stderr", "-c", join(dir, "nginx.conf")]), "SIGTERM");
}

/** Starts HAProxy with the documented configuration, on a second port without TLS. */
export async function startHaproxy(text: string, upstreamUrl: string): Promise<Front> {
  const { dir, port, tlsPort } = await place();
  const ours = text
    .replaceAll("127.0.0.1:8080", new URL(upstreamUrl).host)
    .replaceAll("/etc/haproxy/", `${dir}/`)
    .replace(/^ {2}bind :443 (.*)$/m, `  bind 127.0.0.1:${tlsPort} $1\n  bind 127.0.0.1:${port}`);
  writeFileSync(join(dir, "haproxy.cfg"), `global\n  maxconn 500\n${ours}`);
  return front(dir, port, tlsPort, startProgram("haproxy", ["-q", "-db", "-f", join(dir, "haproxy.cfg")]), "SIGKILL");
}

async function place() {
  const dir = mkdtempSync(join(tmpdir(), "front-"));
  mkdirSync(dir, { recursive: true });
  const [key, certificate] = [join(dir, "calls.key"), join(dir, "calls.crt")];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const files = ["-keyout", key, "-out", certificate];
  execFileSync("openssl", ["req", "-x509", ...curve, "-subj", "/CN=calls.example.com", ...files], { stdio: "ignore" });
  writeFileSync(join(dir, "calls.pem"), readFileSync(certificate, "utf8") + readFileSync(key, "utf8"));
  return { dir, port: await freePort(), tlsPort: await freePort() };
}

async function front(
  dir: string,
  port: number,
  tlsPort: number,
  program: Program,
  end: NodeJS.Signals,
): Promise<Front> {
  await until("the proxy in front listens", () => listens(port)).catch((error: Error) => {
    throw new Error(`${error.message}\n${program.output()}`);
  });
  return {
    url: `http://127.0.0.1:${port}`,
    tlsUrl: `https://127.0.0.1:${tlsPort}`,
    program,
    async [Symbol.asyncDispose]() {
      program.kill(end);
      await program.exited;
      rmSync(dir, { recursive: true });
    },
  };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
