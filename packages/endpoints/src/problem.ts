import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";

/** An RFC 9457 problem: what failed, where, and what to do next. */
export interface Problem {
  readonly status: ContentfulStatusCode;
  readonly title: string;
  readonly detail: string;
  /** Stable code for programs, e.g. `BODY_INVALID`. */
  readonly code: string;
  /** The field at fault, when there is one. */
  readonly field?: string;
}

/** Answers with `application/problem+json`. */
export function problem(context: Context, facts: Problem): Response {
  return context.body(JSON.stringify({ type: "about:blank", ...facts }), facts.status, {
    "content-type": "application/problem+json",
  });
}
