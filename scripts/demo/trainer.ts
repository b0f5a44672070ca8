// Stands in for a training loop: takes a step a second and tells the agent of its host. It fails while the file
// named by its first argument exists; the second is the agent's URL.
import { existsSync } from "node:fs";

const [failing = "", agent = ""] = process.argv.slice(2);
let step = 0;

setInterval(() => {
  if (existsSync(failing)) {
    console.error("CUDA error: an illegal memory access was encountered");
    process.exit(1);
  }
  step += 1;
  const loss = 2 / Math.sqrt(step + 1);
  if (step % 5 !== 0) return;
  console.log(`step ${step} loss ${loss.toFixed(3)}`);
  fetch(`${agent}/v1/pipeline/training`, {
    method: "POST",
    body: JSON.stringify({ step, loss }),
    signal: AbortSignal.timeout(1000),
  }).catch((error: unknown) => console.error(`the agent cannot be told: ${String(error)}`));
}, 1000);
