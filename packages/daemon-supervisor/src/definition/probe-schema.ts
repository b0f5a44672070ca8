import { z } from "zod";
import type { Liveness, Probe, ProbeTarget, Readiness, StartUp } from "./definition.ts";
import { argv, section, span } from "./schema-section.ts";

const targetKeys = {
  http: z.url({ protocol: /^https?$/, error: "must be an http:// or https:// URL" }).optional(),
  tcp: z
    .string()
    .regex(/^(\[[0-9a-fA-F:.]+\]|[^\s:[\]]+):\d{1,5}$/, "must be host:port, such as 127.0.0.1:5432")
    .refine((text) => portOf(text) >= 1 && portOf(text) <= 65_535, "port must be 1 to 65535")
    .optional(),
  exec: argv.optional(),
};
interface TargetInput {
  readonly http?: string | undefined;
  readonly tcp?: string | undefined;
  readonly exec?: readonly string[] | undefined;
}

const portOf = (text: string): number => Number(text.slice(text.lastIndexOf(":") + 1));

function targetOf({ http, tcp = "", exec }: TargetInput): ProbeTarget {
  if (http !== undefined) return { kind: "http", url: http };
  if (exec !== undefined) return { kind: "exec", argv: exec };
  return {
    kind: "tcp",
    host: tcp.slice(0, tcp.lastIndexOf(":")).replace(/^\[|\]$/g, ""),
    port: portOf(tcp),
  };
}

const isGiven = (value: unknown): boolean => value !== undefined;
const oneTarget = ({ http, tcp, exec }: TargetInput): boolean =>
  [http, tcp, exec].filter(isGiven).length === 1;
const oneTargetMessage = "needs exactly one of http, tcp and exec";

const probeTimes = { intervalSeconds: span.default(10), timeoutSeconds: span.default(5) };
const failures = z.int().min(1).max(1000);

function probeOf(input: TargetInput & { intervalSeconds: number; timeoutSeconds: number }): Probe {
  return {
    target: targetOf(input),
    intervalMs: input.intervalSeconds * 1000,
    timeoutMs: input.timeoutSeconds * 1000,
  };
}

export const readiness: z.ZodType<Readiness> = section({
  ...targetKeys,
  notify: z.literal(true, "must be true or left out").optional(),
  logLine: z.string().min(1).max(1000).refine(isPattern, "is not a regular expression").optional(),
  intervalSeconds: span.default(1),
  timeoutSeconds: span.default(5),
  withinSeconds: span.default(60),
})
  .refine(
    ({ http, tcp, exec, notify, logLine }) => [http, tcp, exec, notify, logLine].filter(isGiven).length === 1,
    "needs exactly one of http, tcp, exec, notify and logLine",
  )
  .transform((input): Readiness => {
    const withinMs = input.withinSeconds * 1000;
    if (input.notify === true) return { kind: "notify", withinMs };
    if (input.logLine !== undefined) return { kind: "logLine", pattern: input.logLine, withinMs };
    return { kind: "probe", probe: probeOf(input), withinMs };
  });

function isPattern(text: string): boolean {
  try {
    return new RegExp(text, "u").source !== "";
  } catch {
    return false;
  }
}

const livenessKeys = {
  ...probeTimes,
  failures: failures.default(3),
  passes: failures.default(1),
  graceSeconds: z.number().min(0).max(86_400).default(60),
};
export const liveness: z.ZodType<Liveness> = section({ ...targetKeys, ...livenessKeys })
  .refine(oneTarget, oneTargetMessage)
  .transform((input) => livenessOf(input, targetOf(input)));

/** The liveness probe of a service asks the service itself. */
export const serviceLiveness: z.ZodType<Liveness> = section(livenessKeys).transform((input) =>
  livenessOf(input, { kind: "service" }),
);

function livenessOf(
  input: { readonly [Key in keyof typeof livenessKeys]: number },
  target: ProbeTarget,
): Liveness {
  return {
    target,
    intervalMs: input.intervalSeconds * 1000,
    timeoutMs: input.timeoutSeconds * 1000,
    failures: input.failures,
    passes: input.passes,
    graceMs: input.graceSeconds * 1000,
  };
}

export const startup: z.ZodType<StartUp> = section({
  ...targetKeys,
  ...probeTimes,
  failures: failures.default(30),
})
  .refine(oneTarget, oneTargetMessage)
  .transform((input) => ({ ...probeOf(input), failures: input.failures }));

/** A service is ready when its `start()` has resolved. */
export const serviceReadiness: z.ZodType<Readiness> = section({ withinSeconds: span.default(60) }).transform(
  ({ withinSeconds }): Readiness => ({ kind: "notify", withinMs: withinSeconds * 1000 }),
);
