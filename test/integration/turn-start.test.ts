import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const work = mkdtempSync(join(tmpdir(), "turn-"));
afterAll(() => rmSync(work, { recursive: true }));
/** A secret with a newline from an editor, and with special characters of shells and configuration files. */
const secret = "q\"u\\o'te$#d";
writeFileSync(join(work, "secret"), `${secret}\r\n`);

/**
 * Starts coturn as the overlay does, in a network namespace of its own at 10.1.2.3, and runs `client` beside an echo
 * server at 10.1.2.9. Both have public addresses too. Returns the output of client and server.
 */
function besideCoturn(client: string, env: Record<string, string> = {}): string {
  const script = `
    ip link set lo up && ip addr add 10.1.2.3/24 dev lo && ip addr add 10.1.2.9/24 dev lo
    ip addr add 8.8.4.4/32 dev lo && ip addr add 8.8.4.5/32 dev lo
    sh deploy/turn/start.sh >"$WORK_DIR/log" 2>&1 & server=$!
    turnutils_peer -L "$PEER" >"$WORK_DIR/peer" 2>&1 & peer=$!
    tries=0
    until timeout 1 turnutils_stunclient "$RELAY_IP" >"$WORK_DIR/stun" 2>&1 || [ $tries = 100 ]; do tries=$((tries + 1)); sleep 0.1; done
    timeout 10 ${client} 2>&1
    kill -9 $server $peer
    cat "$WORK_DIR/log"`;
  const { stdout, stderr } = spawnSync("timeout", ["-k", "1", "30", "unshare", "-n", "sh", "-c", script], {
    cwd: root,
    encoding: "utf8",
    env: {
      PATH: process.env["PATH"] ?? "",
      WORK_DIR: work,
      TURN_SECRET_FILE: join(work, "secret"),
      RELAY_IP: "10.1.2.3",
      PEER: "10.1.2.9",
      RELAY_PORTS: "49160-49199",
      ...env,
    },
  });
  return stdout + stderr;
}
const uclient = (options: string, password = secret) =>
  `turnutils_uclient -y -e 10.1.2.9 ${options} -W '${password.replaceAll("'", "'\\''")}' 10.1.2.3`;
const installed = spawnSync("unshare", ["-n", "sh", "-c", "command -v turnserver ip"]).status === 0;

test.skipIf(!installed)("relaying into a private network is refused by default, and loopback always", () => {
  expect(besideCoturn(uclient("-n 2 -m 1"))).toMatch(
    /403 \(Forbidden IP\)[\s\S]*denied in the range: 10\.0\.0\.0-10\.255\.255\.255/,
  );
  const loopback = uclient("-n 2 -m 1").replace("-e 10.1.2.9", "-e 127.0.0.1").replace(" -y", "");
  expect(besideCoturn(loopback, { ALLOW_PRIVATE: "1" })).toMatch(/403 \(Forbidden IP\)/);
});

test.skipIf(!installed)("relaying between public addresses works by default", () => {
  const client = uclient("-n 2 -m 1").replace("-e 10.1.2.9", "-e 8.8.4.5").replace(" 10.1.2.3", " 8.8.4.4");
  expect(besideCoturn(client, { RELAY_IP: "8.8.4.4", PEER: "8.8.4.5" })).toMatch(/Total lost packets 0 /);
});

test.skipIf(!installed)("ALLOW_PRIVATE=1 relays into private networks, with any characters in the secret", () => {
  expect(besideCoturn(uclient("-n 2 -m 1"), { ALLOW_PRIVATE: "1" })).toMatch(/Total lost packets 0 /);
  expect(besideCoturn(uclient("-n 2 -m 1", "another"), { ALLOW_PRIVATE: "1" })).not.toMatch(/Total lost packets 0 /);
});

test.skipIf(!installed)("a user gets a quarter of the relay ports, and no more", () => {
  const said = besideCoturn(uclient("-n 2 -m 1"), { ALLOW_PRIVATE: "1", RELAY_PORTS: "49160-49167" });
  expect(said).toMatch(/486|Allocation Quota Reached/i);
});
