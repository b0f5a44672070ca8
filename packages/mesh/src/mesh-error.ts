import { RingRiftError } from "@ringrift/protocol";

/** Anything the mesh refuses: bad configuration, unusable files, an act that needs the lease. */
export class MeshError extends RingRiftError {}
