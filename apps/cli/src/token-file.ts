import { readFileSync } from "node:fs";
import { errorText, RingRiftError } from "@ringrift/protocol";
import { Option } from "commander";

/** What `tokenOption` adds to the options of a verb. */
export interface TokenOption {
  readonly tokenFile?: string;
}

/** For verbs that change something, or read what is not everyone's. */
export function tokenOption(): Option {
  return new Option("--token-file <file>", "file with the API token of the program that is asked").env(
    "RINGRIFT_API_TOKEN_FILE",
  );
}

/** The token to send; null without a file. @throws RingRiftError `TOKEN_FILE_UNREADABLE` */
export function readToken({ tokenFile }: TokenOption): string | null {
  if (tokenFile === undefined || tokenFile === "") return null;
  try {
    return readFileSync(tokenFile, "utf8").trim();
  } catch (error) {
    throw new RingRiftError(`Cannot read the token file ${tokenFile}: ${errorText(error)}.`, {
      code: "TOKEN_FILE_UNREADABLE",
      nextStep: "Give --token-file or RINGRIFT_API_TOKEN_FILE the path of a file that you may read.",
    });
  }
}
