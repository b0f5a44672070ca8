import type { ExpositionFormat } from "./exposition.ts";
import type { MetricFamily } from "./metric-family.ts";
import { expose, negotiate } from "./negotiate.ts";

/**
 * The page of `/metrics`, written once and given to every scraper until something changed. Call `clear` on the program's
 * tick, so that no page is older than that; nothing is written while nobody asks.
 *
 * @example
 * const page = new ExpositionCache(() => [...families()]);
 * setInterval(() => page.clear(), 1000);
 * app.get("/metrics", (context) => context.body(page.read(context.req.header("accept")).body));
 */
export class ExpositionCache {
  readonly #families: () => readonly MetricFamily[];
  readonly #pages = new Map<ExpositionFormat, { readonly contentType: string; readonly body: string }>();

  constructor(families: () => readonly MetricFamily[]) {
    this.#families = families;
  }

  /** The page in the format that the Accept header prefers. */
  read(accept: string | undefined): { readonly contentType: string; readonly body: string } {
    const format = negotiate(accept);
    let page = this.#pages.get(format);
    if (page === undefined) {
      page = expose(this.#families(), accept);
      this.#pages.set(format, page);
    }
    return page;
  }

  clear(): void {
    this.#pages.clear();
  }
}
