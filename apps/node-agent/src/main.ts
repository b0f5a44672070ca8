#!/usr/bin/env node
import { setFlagsFromString } from "node:v8";
import { requireNode } from "@ringrift/program/node-version";

requireNode(22);
// An agent does little and shares its host with training: memory before peak speed. Set here and not on a command line, so
// that they hold however it is started; measured in docs/decisions/0010-agent-footprint.md.
for (const flag of [
  "--semi-space-growth-factor=1",
  "--no-opt",
  "--no-maglev",
  "--no-sparkplug",
  "--optimize-for-size",
])
  setFlagsFromString(flag);
// Loaded only now, since what it imports needs the Node that was just asked for.
await import("./program.ts");
