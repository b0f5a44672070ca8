import { createHash } from "node:crypto";
import { errorText } from "@ringrift/protocol";
import { readIfThere, writeDurably } from "./durable-file.ts";
import { MeshError } from "./mesh-error.ts";

/** A small file that must never be misread: it carries its own checksum. */
export interface SealedFile {
  readonly path: string;
  /** Its fields; null when there is no file. @throws MeshError when it is torn, edited, unreadable or not an object */
  read(): Readonly<Record<string, unknown>> | null;
  /** On disk when it returns. Failures of the disk are thrown as they come. */
  write(fields: Readonly<Record<string, unknown>>): void;
  /** What to throw when its fields are not what they should be. */
  unusable(why: string, cause?: unknown): MeshError;
}

/** @param what how people call it: "vote file" */
export function openSealedFile(
  path: string,
  facts: { readonly what: string; readonly code: string; readonly nextStep: string },
): SealedFile {
  const unusable = (why: string, cause?: unknown): MeshError =>
    new MeshError(`The ${facts.what} ${path} is unusable: ${why}.`, {
      code: facts.code,
      nextStep: facts.nextStep,
      ...(cause === undefined ? {} : { cause }),
    });
  return {
    path,
    unusable,
    read: () => {
      let text: string | null;
      try {
        text = readIfThere(path);
      } catch (cause) {
        throw unusable(`it cannot be read: ${errorText(cause)}`, cause);
      }
      if (text === null) return null;
      const body = sealedBody(text);
      if (body === null) throw unusable("its checksum does not match");
      const fields: unknown = JSON.parse(body);
      if (typeof fields !== "object" || fields === null) throw unusable("it is of another format");
      return fields as Readonly<Record<string, unknown>>;
    },
    write: (fields) => {
      const body = JSON.stringify(fields);
      writeDurably(path, `${JSON.stringify({ body, sha256: checksum(body) })}\n`);
    },
  };
}

function sealedBody(text: string): string | null {
  try {
    const sealed: unknown = JSON.parse(text);
    if (typeof sealed !== "object" || sealed === null || !("body" in sealed) || !("sha256" in sealed))
      return null;
    const { body, sha256 } = sealed;
    return typeof body === "string" && checksum(body) === sha256 ? body : null;
  } catch {
    return null;
  }
}

function checksum(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
