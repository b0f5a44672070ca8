import { createHash, timingSafeEqual } from "node:crypto";
import type { HttpBindings } from "@hono/node-server";
import type { MiddlewareHandler } from "hono";
import { problem } from "./problem.ts";

const loopback = new Set(["127.0.0.1", "::1", "::ffff:127.0.0.1"]);

/**
 * Guards calls that change something: with a token configured, the bearer token is needed everywhere; without one, only
 * callers on loopback may.
 */
export function authorizeChanges(token: string | null): MiddlewareHandler<{ Bindings: HttpBindings }> {
  const expected = token === null ? null : digest(token);
  return async (context, next) => {
    if (expected === null) {
      if (loopback.has(context.env.incoming.socket.remoteAddress ?? "")) return next();
      return problem(context, {
        status: 403,
        title: "Not allowed",
        code: "TOKEN_NOT_CONFIGURED",
        detail: "Changing calls are refused off loopback until RINGRIFT_API_TOKEN_FILE names a token file.",
      });
    }
    const given = /^Bearer (.+)$/i.exec(context.req.header("authorization") ?? "")?.[1];
    if (given === undefined) {
      context.header("www-authenticate", "Bearer");
      return problem(context, {
        status: 401,
        title: "Token needed",
        code: "TOKEN_MISSING",
        detail: "Send the token as `Authorization: Bearer …`.",
      });
    }
    // Hashing first gives both sides one length, so the compare takes the same time whatever was sent.
    if (timingSafeEqual(digest(given), expected)) return next();
    return problem(context, {
      status: 403,
      title: "Wrong token",
      code: "TOKEN_WRONG",
      detail: "The bearer token is not the one configured.",
    });
  };
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
