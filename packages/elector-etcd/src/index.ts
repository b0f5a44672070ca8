export { EtcdError } from "./elector-error.ts";
export { createEtcdElector, type EtcdElectorOptions } from "./etcd-elector.ts";
