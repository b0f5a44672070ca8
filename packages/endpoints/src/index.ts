export { authorizeChanges } from "./authorize.ts";
export { type Beat, createBeat } from "./beat.ts";
export { createEndpoints, type EndpointSources, type EndpointsApp } from "./endpoints.ts";
export { type Gate, type Readiness, readiness, readinessText } from "./gate.ts";
export { jsonBody, maxBodyBytes } from "./json-body.ts";
export { type Listening, type ListenOptions, listen } from "./listen.ts";
export { type Problem, problem } from "./problem.ts";
export { Waker } from "./waker.ts";
