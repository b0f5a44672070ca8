import { createServer } from "node:net";
import { type HttpClient, readBody } from "@ringrift/http-client";
import { errorText } from "@ringrift/protocol";
import { z } from "zod";
import { type Finding, finding } from "./finding.ts";

const check = "agent's port";
const agentSchema = z.object({ node: z.object({ id: z.string(), role: z.literal("agent") }) });
const maxStatusBytes = 4 * 1024 * 1024;

export interface PortFinding {
  readonly finding: Finding;
  /** Node id of the agent that answers there already; null where none does. */
  readonly agentId: string | null;
}

/** Whether the agent could listen, or listens already. */
export async function checkPort(
  { host, port }: { readonly host: string; readonly port: number },
  http: HttpClient,
  timeoutMs: number,
): Promise<PortFinding> {
  const where = `${host}:${port}`;
  const problem = await tryListen(host, port);
  if (problem === null)
    return { finding: finding(check, "ok", port === 0 ? "any free one" : `${where} is free`), agentId: null };
  if (problem.code !== "EADDRINUSE")
    return {
      finding: finding(check, "failed", `${where}: ${errorText(problem)}`, steps(problem)),
      agentId: null,
    };
  const agentId = await agentAt(host, port, http, timeoutMs);
  return agentId === null
    ? {
        finding: finding(
          check,
          "failed",
          `${where} is in use by another program`,
          `Find it with: ss -ltnp 'sport = :${port}', or choose another port with RINGRIFT_AGENT_PORT.`,
        ),
        agentId,
      }
    : { finding: finding(check, "ok", `the agent ${agentId} answers at ${where} already`), agentId };
}

function steps({ code }: NodeJS.ErrnoException): string {
  return code === "EACCES"
    ? "Choose a port above 1023 with RINGRIFT_AGENT_PORT."
    : "Set RINGRIFT_AGENT_HOST to an address of this machine.";
}

function tryListen(host: string, port: number): Promise<NodeJS.ErrnoException | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", resolve);
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}

async function agentAt(
  host: string,
  port: number,
  http: HttpClient,
  timeoutMs: number,
): Promise<string | null> {
  const everywhere: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };
  const address = everywhere[host] ?? host;
  const url = new URL(`http://${address.includes(":") ? `[${address}]` : address}:${port}/status`);
  try {
    const answer = await http.ask(url, { method: "GET", signal: AbortSignal.timeout(timeoutMs) });
    const parsed = agentSchema.safeParse(JSON.parse(await readBody(answer, maxStatusBytes)));
    return parsed.success ? parsed.data.node.id : null;
  } catch {
    return null;
  }
}
