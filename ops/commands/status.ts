import type { Command } from "../command.ts";
import { openRecord } from "../record/record.ts";
import { runnerLives } from "../record/runner-lives.ts";
import { redisRoles } from "../redis/roles.ts";
import { HttpError } from "../stack/http.ts";
import { proxyViews } from "../stack/replica-table.ts";

/** Prints the running services, the proxy's view of the replicas, and the chaos actions in force. */
export const status: Command = {
  usage: "[--json]",
  summary: "list the services, their states and their tunnels",
  async run({ stack, print }, args) {
    const { engine } = stack;
    const services = await engine.services();
    if (services.length === 0) {
      print(`the stack "${engine.stack}" is not up: make up`);
      return 1;
    }
    const views = await proxyViews(engine.endpoints).catch((error: unknown) => {
      // No proxy answers: it is killed, frozen or not started yet; the table below says so.
      if (error instanceof HttpError) return {};
      throw error;
    });
    // A game day hides the fault of a link. Its effect on the replicas stays visible.
    const broken = openRecord(stack.state.dir).read();
    const left = broken.drill;
    const hidden = left?.drill === "game-day" && runnerLives(left);
    const impaired = hidden ? [] : await engine.impaired();
    const roles = await redisRoles(engine, services);
    const rows = services.map((service) => {
      // Of several proxies each has its own view and its own tunnels, in the order of their names.
      const seen = Object.values(views).flatMap((table) => table.filter((row) => row.id === service.id));
      return {
        ...service,
        ...(roles.has(service.id) ? { role: roles.get(service.id) } : {}),
        routing: [...new Set(seen.map(({ state }) => state))].join("/"),
        tunnels: seen.map(({ tunnels }) => tunnels).join("+"),
        reason: seen.find(({ reason }) => reason !== undefined)?.reason,
        impaired: impaired.filter(({ id }) => id === service.id).map(({ how }) => how),
      };
    });
    const { actions } = broken;
    if (args.includes("--json")) {
      print(JSON.stringify({ stack: engine.stack, engine: engine.name, services: rows, actions }));
      return 0;
    }
    print(`stack ${engine.stack} (${engine.name})`);
    print(line("service", "state", "routing", "tunnels", ""));
    for (const row of rows) print(line(row.id, row.state, row.routing, row.tunnels, wordsOf(row)));
    for (const { action, target, at } of actions) print(`in force: ${action} ${target} since ${at.slice(11, 19)} UTC`);
    if (actions.length > 0) print("make heal undoes it");
    return 0;
  },
};

type Row = { detail: string; role?: string | undefined; impaired: string[]; reason: string | undefined };

/** Details of a service: its role, why the proxy calls it down, and the faults of its link. */
function wordsOf({ detail, role, impaired, reason }: Row) {
  return [detail, ...(role === undefined ? [] : [role]), ...impaired, ...(reason === undefined ? [] : [reason])].join(
    ", ",
  );
}

const line = (id: string, state: string, routing: string, tunnels: string, detail: string) =>
  `${id.padEnd(17)}${state.padEnd(9)}${routing.padEnd(10)}${tunnels.padStart(7)}  ${detail}`.trimEnd();
