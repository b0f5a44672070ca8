import { randomBytes, randomUUID } from "node:crypto";
import { createProbes, runProbe } from "@ringrift/probes";
import {
  decodeFrame,
  encodeFrame,
  type Frame,
  frameVersion,
  isRefused,
  type NodeReport,
  oldestFrameVersion,
} from "@ringrift/protocol";
import { WebSocket } from "ws";

// Many agents in one process as a server sees them: one link each, heartbeats, and the reports of a real host. They keep
// no timers and no memory of their own, so that the load costs far less than what it measures.

const [url = "", countText = "0"] = process.argv.slice(2);
const heartbeatMs = 1_000;
const reportEveryHeartbeats = 10;
const slices = 100;
const dialsAtOnce = 50;

interface LoadAgent {
  readonly nodeId: string;
  readonly boot: number;
  readonly socket: WebSocket;
  seq: number;
}

async function hostReport(): Promise<NodeReport> {
  const nowSeconds = (): number => Date.now() / 1000;
  const probes = createProbes({ nvidiaSmi: "nvidia-smi", expectedGpus: null, nowSeconds });
  const outcomes = await Promise.all(probes.map((probe) => runProbe(probe, nowSeconds)));
  const checks = outcomes.map(({ report }) => report);
  return { full: true, seq: 1, sentAt: nowSeconds(), version: "bench", startedAt: nowSeconds(), checks };
}

/** Resolves once the server has welcomed the agent; rejects when the socket closes before that. */
function connect(nodeId: string, boot: number): Promise<LoadAgent> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    const say = (frame: Frame): void => socket.send(encodeFrame(frame));
    socket.on("open", () =>
      say({
        type: "hello",
        version: frameVersion,
        oldestVersion: oldestFrameVersion,
        clusterId: "ringrift",
        role: "agent",
        nodeId,
        instance: randomUUID(),
        voter: null,
        votersDigest: "",
        boot,
        programVersion: "bench",
        timing: { heartbeatMs: 1_000, election: null },
        nonce: randomBytes(32).toString("hex"),
        kid: null,
      }),
    );
    const onMessage = (data: unknown): void => {
      const frame = decodeFrame(String(data));
      if (isRefused(frame)) socket.close();
      else if (frame.type === "challenge") say({ type: "proof", mac: null });
      else if (frame.type === "welcome") {
        // What comes after the welcome is read off the socket and left alone.
        socket.off("message", onMessage);
        socket.resume();
        resolve({ nodeId, boot, socket, seq: 0 });
      }
    };
    socket.on("message", onMessage);
    socket.on("error", () => undefined);
    socket.on("close", () => reject(new Error(`${nodeId} was not welcomed`)));
  });
}

/** Asks again where the server takes no more for the moment, as a real agent does. */
async function connectInTime(nodeId: string, boot: number): Promise<LoadAgent> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await connect(nodeId, boot);
    } catch (error) {
      if (attempt === 10) throw error;
      await new Promise((resolve) => {
        setTimeout(resolve, Math.random() * 1_000);
      });
    }
  }
}

function beat(agent: LoadAgent): void {
  agent.seq += 1;
  const incarnation = { boot: agent.boot, counter: 0 };
  const frame = {
    type: "heartbeat",
    seq: agent.seq,
    incarnation,
    loopLagMs: 0,
    epoch: "0.0",
    leaderId: null,
  };
  agent.socket.send(encodeFrame(frame as Frame));
  if (agent.seq % reportEveryHeartbeats === 0) sendReport(agent, false);
}

function sendReport({ nodeId, socket, seq }: LoadAgent, full: boolean): void {
  const now = Date.now() / 1000;
  const checks = hostChecks.map((check) => ({
    ...check,
    observedAt: now,
    readings: check.readings.map((reading) => ({
      ...reading,
      ...measuredAnew(reading.value),
      observedAt: now,
    })),
  }));
  const report = { ...host, full, seq, sentAt: now, checks };
  socket.send(encodeFrame({ type: "report", nodeId, report }));
}

/** Every other value has changed since the last report, as on a host at work. */
function measuredAnew(value: number | null): { readonly value: number | null } {
  return { value: value === null || Math.random() < 0.5 ? value : value * (1 + Math.random() / 100) };
}

const host = await hostReport();
const hostChecks = host.checks;
const agents: LoadAgent[] = [];
let slice = 0;
// Each agent has a moment of its own within the interval, as real ones do.
setInterval(() => {
  for (let index = slice; index < agents.length; index += slices) {
    const agent = agents[index];
    if (agent?.socket.readyState === WebSocket.OPEN) beat(agent);
  }
  slice = (slice + 1) % slices;
}, heartbeatMs / slices);

const boot = Date.now();
while (agents.length < Number(countText)) {
  const first = agents.length;
  const names = Array.from({ length: dialsAtOnce }, (_, index) => `load-${first + index + 1}`);
  for (const agent of await Promise.all(names.map((name) => connectInTime(name, boot)))) {
    agents.push(agent);
    sendReport(agent, true);
    agent.seq = agents.length % reportEveryHeartbeats;
  }
}
console.log(`connected, ${JSON.stringify(host).length} bytes a report`);
