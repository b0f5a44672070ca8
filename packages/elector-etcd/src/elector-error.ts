import { RingRiftError } from "@ringrift/protocol";

/** What the etcd back end refuses: bad endpoints, or a question that etcd did not answer. */
export class EtcdError extends RingRiftError {}
