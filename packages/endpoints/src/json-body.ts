import type { Context } from "hono";
import type { z } from "zod";
import { problem } from "./problem.ts";

export const maxBodyBytes: number = 64 * 1024;

export type JsonBody<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly response: Response };

/**
 * Reads a JSON body of at most 64 KiB and checks it; the refusal names the field.
 *
 * @param need `optional`: no body is read as one without any field
 */
export async function jsonBody<T>(
  context: Context,
  schema: z.ZodType<T>,
  need: "needed" | "optional" = "needed",
): Promise<JsonBody<T>> {
  const refuse = (status: 400 | 413, code: string, detail: string, field?: string): JsonBody<T> => ({
    ok: false,
    response: problem(context, {
      status,
      title: status === 413 ? "Body too large" : "Bad body",
      code,
      detail,
      ...(field === undefined ? {} : { field }),
    }),
  });
  const text = await boundedText(context.req.raw);
  if (text === null) return refuse(413, "BODY_TOO_LARGE", `The body is larger than ${maxBodyBytes} bytes.`);
  let parsed: unknown;
  try {
    parsed = text === "" && need === "optional" ? {} : JSON.parse(text);
  } catch {
    return refuse(400, "BODY_NOT_JSON", "The body is not JSON.");
  }
  const checked = schema.safeParse(parsed);
  if (checked.success) return { ok: true, value: checked.data };
  const issue = checked.error.issues[0];
  const field = issue?.path.join(".") || "(root)";
  return refuse(400, "BODY_INVALID", `Field ${field}: ${issue?.message ?? "invalid"}.`, field);
}

async function boundedText(request: Request): Promise<string | null> {
  if (request.body === null) return "";
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body) {
    size += chunk.byteLength;
    if (size > maxBodyBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
