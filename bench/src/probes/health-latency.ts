import { Agent, get } from "node:http";
import { sleep } from "../timed.ts";

const pauseMs = 5;

/** Asks for /health over one connection again and again, with pauses, and says how long each answer took, milliseconds. */
export async function healthLatencies(port: number, windowMs: number): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const latencies: number[] = [];
  const end = performance.now() + windowMs;
  while (performance.now() < end) {
    const asked = performance.now();
    await health(port, agent);
    latencies.push(performance.now() - asked);
    await sleep(pauseMs);
  }
  agent.destroy();
  return latencies;
}

function health(port: number, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port, path: "/health", agent }, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`/health answered ${answer.statusCode}`));
      answer.on("end", resolve).on("error", reject).resume();
    }).on("error", reject);
  });
}
