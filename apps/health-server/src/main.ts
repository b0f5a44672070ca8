#!/usr/bin/env node
import { requireNode } from "@ringrift/program/node-version";

requireNode(22);
// Loaded only now, since what it imports needs the Node that was just asked for.
await import("./program.ts");
