// core: pure
import { EtcdError } from "./elector-error.ts";

const mostEndpoints = 9;

/** The endpoints as they came, when each can be asked. @throws EtcdError `ETCD_ENDPOINTS` */
export function checkEndpoints(endpoints: readonly string[]): readonly string[] {
  if (endpoints.length === 0 || endpoints.length > mostEndpoints)
    throw unusable(`${endpoints.length} endpoints are named`);
  for (const endpoint of endpoints) {
    const url = URL.canParse(endpoint) ? new URL(endpoint) : null;
    const plain = url !== null && url.pathname === "/" && url.search === "" && url.hash === "";
    if (!plain || !["http:", "https:"].includes(url.protocol)) throw unusable(`"${endpoint}" is none`);
    if (url.username !== "" || url.password !== "")
      throw unusable("an endpoint carries a user, which has settings of its own");
  }
  return endpoints;
}

function unusable(why: string): EtcdError {
  return new EtcdError(`The etcd endpoints are unusable: ${why}.`, {
    code: "ETCD_ENDPOINTS",
    nextStep: `Name 1 to ${mostEndpoints} addresses like http://10.0.0.1:2379, separated by commas.`,
  });
}
