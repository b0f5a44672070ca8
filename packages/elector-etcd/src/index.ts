export { EtcdError } from "./elector-error.ts";
export { type EtcdAccess, type EtcdAccessFiles, loadEtcdAccess } from "./etcd-access.ts";
export { createEtcdElector, type EtcdElector, type EtcdElectorOptions } from "./etcd-elector.ts";
