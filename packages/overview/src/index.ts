export { steadyClock } from "./clock.ts";
export { createOverview, type Overview, type OverviewOptions } from "./overview.ts";
export { addReadingRoutes } from "./routes.ts";
export { composeStatus, type StatusParts, type Teller } from "./status.ts";
