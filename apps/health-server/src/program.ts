import { readFileSync } from "node:fs";
import { runProgram } from "@ringrift/program";
import { startHealthServer } from "./health-server.ts";

await runProgram({
  program: "health-server",
  name: "ringrift-health-server",
  version: String(JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version),
  description:
    "Coordinator of RingRift Health: votes for a leader, keeps every node's state, answers for the cluster.",
  examples: [
    "ringrift-health-server",
    "ringrift-health-server --host 10.0.0.1 --mesh-key-file /etc/ringrift/mesh.keys \\\n      --servers ws://10.0.0.1:8790/mesh,ws://10.0.0.2:8790/mesh,ws://10.0.0.3:8790/mesh",
  ],
  start: startHealthServer,
});
