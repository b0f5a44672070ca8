import type { StatusDocument, StatusNode, StatusRetirement } from "@ringrift/protocol";
import { z } from "zod";
import { age, dateTime, megabytes, span, stateWord, table, tint } from "./table.ts";

/** The screen of `ringrift status`. */
export function statusScreen(status: StatusDocument): string {
  const { cluster } = status;
  const { quorum, counts } = cluster;
  const known =
    cluster.ageSeconds !== null && cluster.ageSeconds > 5
      ? `  ${tint(`(heard ${age(cluster.ageSeconds)})`, "warn")}`
      : "";
  const lines = [
    `${stateWord(status.level)}  score ${status.score ?? "unknown"}${status.partial ? " (partial)" : ""}  cluster ${cluster.id}, seen by ${status.node.role} ${status.node.id}`,
    ...status.reasons.map((reason) => `  ${tint(reason, "dim")}`),
    "",
    `leader    ${cluster.leaderId ?? tint("none", "bad")}  epoch ${cluster.epoch}  elector ${cluster.elector}${known}`,
    `quorum    ${quorum.held ? tint("● held", "ok") : tint("■ lost", "bad")}  ${quorum.have} of ${quorum.voters.length} voters reachable, ${quorum.need} needed`,
    `members   ${counts.alive} alive, ${counts.suspect} suspect, ${counts.down} down, ${counts.left} left${retiredCount(status.nodes)}`,
    `pipeline  ${stateWord(status.pipeline.state)}${status.pipeline.reasons.length > 0 ? `  ${status.pipeline.reasons.join("; ")}` : ""}`,
    "",
    nodesTable(status.nodes),
  ];
  if (status.daemons.length > 0) lines.push("", daemonsTable(status));
  return lines.join("\n");
}

function retiredCount(nodes: readonly StatusNode[]): string {
  const count = nodes.filter(({ retired }) => retired != null).length;
  return count === 0 ? "" : `; ${count} retired`;
}

/** Those that count and, apart from them, those that an operator retired. */
export function nodesTable(nodes: readonly StatusNode[]): string {
  if (nodes.length === 0) return "No node is known yet.";
  const inUse = nodes.filter(({ retired }) => retired == null);
  const retired = nodes.flatMap((node) => (node.retired == null ? [] : [retiredRow(node, node.retired)]));
  const blocks = inUse.length === 0 ? ["Every node that is known is retired."] : [tableInUse(inUse)];
  if (retired.length > 0) blocks.push(table(["RETIRED", "SINCE", "LINK", "SEEN", "WHY"], retired));
  return blocks.join("\n\n");
}

function retiredRow(node: StatusNode, { at, reason }: StatusRetirement): readonly string[] {
  return [node.id, dateTime(at), node.link, age(node.lastSeenSeconds), reason];
}

function tableInUse(nodes: readonly StatusNode[]): string {
  return table(
    ["NODE", "ROLE", "LINK", "STATE", "SCORE", "GPUS", "SEEN", "WHY"],
    nodes.map((node) => [
      node.id,
      node.role,
      stateWord(node.link),
      stateWord(node.state),
      // A server reports no host of its own; a question mark would ask for something that nobody expects.
      node.role === "server" ? "" : String(node.score ?? "?"),
      node.role === "server" ? "" : node.gpus === null ? "?" : `${node.gpus.healthy}/${node.gpus.total}`,
      age(node.lastSeenSeconds),
      node.reasons.join("; "),
    ]),
  );
}

export function daemonsTable(status: StatusDocument): string {
  if (status.daemons.length === 0) return "No daemon is supervised.";
  return table(
    ["DAEMON", "NODE", "STATE", "UP", "RESTARTS", "CPU", "MEMORY", "CRITICAL", "WHY"],
    status.daemons.map((daemon) => [
      daemon.name,
      daemon.node,
      stateWord(daemon.state),
      daemon.uptimeSeconds === null ? "" : span(daemon.uptimeSeconds),
      String(daemon.restarts),
      daemon.cpuCores === null ? "?" : daemon.cpuCores.toFixed(2),
      daemon.memoryBytes === null ? "?" : megabytes(daemon.memoryBytes),
      daemon.critical ? "yes" : "no",
      daemon.reason,
    ]),
  );
}

// The answer has no schema of its own yet, so only what is shown is looked for.
const eventsSchema = z.object({
  events: z.array(
    z.object({
      seq: z.number(),
      time: z.number(),
      name: z.string(),
      data: z.record(z.string(), z.unknown()),
    }),
  ),
});

export function eventLines(answer: unknown): string {
  const { events } = eventsSchema.parse(answer);
  if (events.length === 0) return "Nothing has happened yet.";
  return events.map(({ time, ...event }) => eventLine({ ...event, time: new Date(time * 1000) })).join("\n");
}

export function eventLine(event: {
  readonly seq: number;
  readonly time: Date;
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
}): string {
  const facts = Object.entries(event.data).map(
    ([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  return `${String(event.seq).padStart(5)}  ${event.time.toISOString()}  ${event.name}  ${tint(facts.join(" "), "dim")}`;
}
