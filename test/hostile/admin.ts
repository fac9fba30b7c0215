import { request } from "node:http";
import type { Attack, Attacker } from "../../ops/hostile/attacker.ts";
import type { TestStack } from "../support/stack.ts";

interface Try {
  url: string;
  method: string;
  headers?: Record<string, string>;
  body?: string;
}

/** Status of the answer; 0: none. */
function ask({ signal }: Attacker, { url, method, headers = {}, body }: Try): Promise<number> {
  return new Promise((resolve) => {
    const asked = request(url, { method, headers, signal, agent: false }, (answer) => {
      answer.resume().on("close", () => resolve(answer.statusCode ?? 0));
    });
    asked.on("error", () => resolve(0));
    asked.end(body);
  });
}

const trying = (name: string, tries: () => Try[]): Attack => ({
  name,
  guard: "admin",
  forMs: 1_500,
  bounds: [{ figure: "done", max: () => 0 }],
  async run(attacker) {
    for (const one of tries()) {
      const status = await ask(attacker, one);
      attacker.count("sent");
      if (status === 0 || status < 400) attacker.count("done");
    }
  },
});

/** Attackers that reach an admin listener. */
export const adminAttacks = (stack: () => TestStack): readonly Attack[] => {
  const json = { "content-type": "application/json" };
  const proxy = () => stack().proxy.adminUrl;
  const replicas = () => stack().replicas.map(({ adminUrl }) => adminUrl);
  const changes = (headers: Record<string, string>): Try[] => [
    {
      method: "PUT",
      url: `${proxy()}/replicas/evil`,
      headers,
      body: JSON.stringify({ url: "http://127.0.0.1:9", readyUrl: "http://127.0.0.1:9/readyz" }),
    },
    { method: "DELETE", url: `${proxy()}/replicas/signaling-1`, headers },
    { method: "POST", url: `${proxy()}/replicas/signaling-2/drain`, headers, body: "{}" },
    { method: "POST", url: `${proxy()}/tunnels/drop`, headers, body: "{}" },
    ...replicas().map((url) => ({ method: "POST", url: `${url}/drain`, headers, body: "{}" })),
  ];
  return [
    trying("changes the stack without a token", () => changes(json)),
    trying("changes the stack with tokens that it guesses", () =>
      ["Bearer ", "Bearer undefined", "Bearer x", "Basic YTpi", `Bearer ${"x".repeat(5_000)}`].flatMap(
        (authorization) => changes({ ...json, authorization }),
      ),
    ),
    trying("changes the stack from a web page", () =>
      changes({ "content-type": "text/plain", origin: "http://evil.example" }),
    ),
    trying("reads by a foreign Host, as DNS rebinding does", () =>
      ["evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.evil.example"].flatMap((host) =>
        [`${proxy()}/replicas`, `${proxy()}/metrics`, ...replicas().map((url) => `${url}/rooms/x`)].map((url) => ({
          method: "GET",
          url,
          headers: { host },
        })),
      ),
    ),
  ];
};
