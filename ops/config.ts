import { z } from "zod";
import { port, programVariables, secret, wholeNumber } from "../common/config.ts";
import { defaultPorts } from "./ports.ts";

/** Each host port has a variable. The default of an unset one is its port in ports.env plus PORT_BASE. */
const hostPorts = Object.fromEntries(
  Object.entries(defaultPorts).map(([name, value]) => [
    name,
    port().optional().describe(`Host port, ${value} + PORT_BASE unless set`),
  ]),
);

/** The variables of make and of the ops CLI. */
export const schema = z.object({
  ENGINE: z
    .enum(["compose", "process", "kubernetes"])
    .optional()
    .describe("What runs the stack; unset: compose if a Docker daemon answers, else process"),
  KUBE_CONTEXT: z.string().optional().describe("With ENGINE=kubernetes: the context of the kubeconfig, required"),
  KUBECTL: z.string().default("kubectl").describe("With ENGINE=kubernetes: the program to use"),
  KUBE_OVERLAY: z
    .string()
    .default("deploy/kubernetes/monitored")
    .describe("With ENGINE=kubernetes: folder of the kustomization that make up applies"),
  STACK: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_-]*$/, "must be lower-case letters, digits, - and _")
    .default("hold-the-line")
    .describe("Name of the stack: its state, and its compose project"),
  PORT_BASE: wholeNumber(0, 50_000).default(0).describe("Added to every default host port, for a second stack"),
  ENV_FILE: z.string().default(".env").describe("File of settings like this one; /dev/null: none"),
  REDIS: z
    .enum(["single", "sentinel", "cluster"])
    .default("single")
    .describe(
      "Servers of the backplane: one, three with three Sentinels that choose the master, or a Redis Cluster of six (docs/backplanes.md)",
    ),
  NATS: z
    .enum(["single", "cluster"])
    .default("single")
    .describe("With BACKPLANE=nats: one server, or a cluster of three"),
  SLO_WINDOWS: z
    .enum(["drill", "prod"])
    .default("drill")
    .describe("Burn-rate windows: drill fires within a training session, prod is 1h/5m and 6h/30m"),
  ADMIN_TOKEN: programVariables.ADMIN_TOKEN,
  TRAINER_TOKEN: secret(z.string().min(1).optional()).describe(
    "Encrypts the hidden fault of a game day and opens the trainer's view; make up creates one",
  ),
  OPS_INSIDE: z
    .enum(["1"])
    .optional()
    .describe("Set in the ops container: services are reached by their compose names"),
  APP: z
    .string()
    .optional()
    .describe("File that describes an application to run in place of the replicas (docs/adopt.md); read at `make up`"),
  PROXIES: wholeNumber(1, 2)
    .default(1)
    .describe("Proxies; 2 stand behind a balancer, and each takes its part of the rates of new and moved sessions"),
  ...hostPorts,
});

export type Config = z.output<typeof schema>;
