import { RingRiftError } from "@ringrift/protocol";

/** What this package refuses: files that hold no certificate, and answers that are too long. */
export class HttpClientError extends RingRiftError {}
