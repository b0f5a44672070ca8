import { readFileSync } from "node:fs";
import { loadDaemonsFile } from "@ringrift/daemon-supervisor";
import { checkCustomChecks } from "@ringrift/probes";
import { runProgram } from "@ringrift/program";
import { startNodeAgent } from "./node-agent.ts";

await runProgram({
  program: "node-agent",
  name: "ringrift-node-agent",
  version: String(JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version),
  description: "Agent of RingRift Health: probes this host, supervises its daemons, tells the servers.",
  examples: [
    "ringrift-node-agent",
    "ringrift-node-agent --servers ws://10.0.0.1:8790/mesh --mesh-key-file /etc/ringrift/mesh.keys --expected-gpus 8",
  ],
  checkFiles: (config) => {
    if (config.daemonsFile !== null) loadDaemonsFile(config.daemonsFile);
    checkCustomChecks(config);
  },
  start: startNodeAgent,
});
