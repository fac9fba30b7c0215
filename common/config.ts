import { readFileSync } from "node:fs";
import { z } from "zod";

/** One message with every bad variable of a program. `main.ts` prints it and exits 78 (EX_CONFIG, sysexits.h). */
export class ConfigError extends Error {
  constructor(problems: readonly string[]) {
    super(`bad configuration: ${problems.join("; ")}`);
    this.name = "ConfigError";
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Parses `env` with a program's schema, whose keys are the names of the variables.
 *
 * An empty string means unset (Compose passes unset variables so). A field marked with {@link secret} is also read
 * from the file that `<NAME>_FILE` names, with newlines at its end removed. The variable itself wins.
 *
 * @throws ConfigError that names every bad variable, its value (never a secret's) and the allowed values.
 */
export function loadConfig<S extends z.ZodObject>(schema: S, env: Environment): z.output<S> {
  const input: Record<string, string> = {};
  const problems: string[] = [];
  for (const [name, field] of Object.entries(schema.shape)) {
    const value = env[name];
    if (value !== undefined && value !== "") input[name] = value;
    else if (isSecret(field)) {
      const path = env[`${name}_FILE`];
      if (path === undefined || path === "") continue;
      try {
        const text = readSecret(path);
        if (text !== "") input[name] = text;
      } catch (error) {
        problems.push(`${name}_FILE=${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? error})`);
      }
    }
  }
  const result = schema.safeParse(input);
  if (!result.success) {
    for (const issue of result.error.issues) {
      const name = String(issue.path[0]);
      const given = input[name];
      const shown =
        given === undefined ? `${name} is not set` : isSecret(schema.shape[name]) ? name : `${name}=${given}`;
      problems.push(`${shown}: ${issue.message}`);
    }
  }
  if (problems.length > 0 || !result.success) throw new ConfigError(problems);
  return result.data;
}

/**
 * The secret in a file. Newlines at its end do not belong to it, as in the shell's `$(cat file)`, because editors and
 * `echo` add one.
 *
 * @throws the system's error if the file cannot be read
 */
export function readSecret(path: string): string {
  return readFileSync(path, "utf8").replace(/[\r\n]+$/, "");
}

/** Marks a field as a secret. It is also read from `<NAME>_FILE`, and its value is never printed. */
export function secret<T extends z.ZodType>(field: T): T {
  return field.meta({ ...field.meta(), secret: true }) as T;
}

/** True for a field marked by {@link secret}, also if it is optional or has a default. */
export function isSecret(field: unknown): boolean {
  if (!(field instanceof z.ZodType)) return false;
  if (field.meta()?.["secret"] === true) return true;
  return (field instanceof z.ZodOptional || field instanceof z.ZodDefault) && isSecret(field.unwrap());
}

/** A TCP port, 0 (any free one, for tests) to 65535. */
export const port = () => wholeNumber(0, 65_535);

/** A whole number of milliseconds. */
export const milliseconds = (min = 0, max = 86_400_000) => wholeNumber(min, max);

/** A whole number from `min` to `max`, both included. */
export function wholeNumber(min: number, max: number) {
  return z
    .string()
    .regex(/^\d+$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be a whole number from ${min} to ${max}`);
}

/** A switch: `1`, `true`, `yes`, `on` or `0`, `false`, `no`, `off`. */
export const flag = () =>
  z
    .string()
    .regex(/^(1|true|yes|on|0|false|no|off)$/i, "must be 1 or 0")
    .transform((value) => /^(1|true|yes|on)$/i.test(value));

/** Comma-separated words, without surrounding blanks and empty words. */
export const list = () =>
  z.string().transform((value) =>
    value
      .split(",")
      .map((word) => word.trim())
      .filter((word) => word !== ""),
  );

/** The variables of every program. */
export const programVariables = {
  LOG_LEVEL: z
    .enum(["trace", "debug", "info", "warn", "error", "fatal"])
    .default("info")
    .describe("Lowest logged level"),
  ADMIN_HOST: z
    .string()
    .default("127.0.0.1")
    .describe("Address that the admin listener binds; in a container its alias on the network `monitoring`"),
  ADMIN_HOSTNAMES: list()
    .default([])
    .describe("Names that the admin listener accepts besides localhost, ADMIN_HOST and the program's own"),
  ADMIN_TOKEN: secret(
    z
      .string()
      .regex(/^[\x21-\x7e]{16,}$/, "must be 16 characters or more, ASCII without blanks")
      .optional(),
  ).describe("Bearer token of every change at the admin listeners; unset: changes on loopback only"),
  GRACE_MS: milliseconds(0, 600_000)
    .default(20_000)
    .describe("Longest orderly shutdown after SIGTERM; after it the program exits 1"),
};
