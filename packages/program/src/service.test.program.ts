import { createServer } from "node:http";
import { RingRiftError } from "@ringrift/protocol";
import { runProgram } from "./run-program.ts";

// A small service for the tests of runProgram: SERVICE_MODE picks how it behaves.
await runProgram({
  program: "node-agent",
  name: "test-service",
  version: "1.2.3",
  description: "A service for tests.",
  start: async (config, { log, version }) => {
    const mode = process.env.SERVICE_MODE;
    if (mode === "taken") throw new RingRiftError("Port 1 is in use.", { code: "PORT_IN_USE" });
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(config.port, config.host, resolve));
    log.info({ version }, "ready");
    if (mode === "throws") setImmediate(() => thrower());
    if (mode === "rejects") void Promise.reject(new Error("nobody catches this"));
    let stops = 0;
    return {
      stop: async () => {
        stops += 1;
        log.info({ stops }, "stop called");
        if (mode === "hangs") await new Promise(() => {});
        server.close();
      },
      reload: async () => {
        if (mode === "bad-reload") throw new Error("bad new file");
        log.info("new settings read");
      },
    };
  },
});

function thrower(): never {
  throw new Error("nobody expects this");
}
