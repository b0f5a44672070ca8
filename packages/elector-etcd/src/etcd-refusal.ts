// core: pure
import { EtcdError } from "./elector-error.ts";

/** etcd understood a question and refuses it; its code says why. */
export class EtcdRefusal extends EtcdError {}

/** What etcd's words mean; its versions differ in the body's fields, and agree in these. */
const meanings: readonly {
  readonly words: RegExp;
  readonly code: string;
  readonly tell: (user: string) => string;
  readonly nextStep: string;
}[] = [
  {
    words: /authentication failed/i,
    code: "ETCD_CREDENTIALS",
    tell: (user) => `does not take the user ${user} with this password`,
    nextStep: "Check RINGRIFT_ETCD_USERNAME and the file of RINGRIFT_ETCD_PASSWORD_FILE, then send SIGHUP.",
  },
  {
    words: /user name is empty/i,
    code: "ETCD_USER_NEEDED",
    tell: () => "asks for a user",
    nextStep: "Set RINGRIFT_ETCD_USERNAME and RINGRIFT_ETCD_PASSWORD_FILE and restart.",
  },
  {
    words: /authentication is not enabled/i,
    code: "ETCD_WITHOUT_USERS",
    tell: (user) => `has no users, and ${user} was given`,
    nextStep: "Enable authentication there (etcdctl auth enable), or leave the user out.",
  },
  {
    // The gateway shows etcd a certificate of its own, so the name in the client's would be lost.
    words: /CommonName of client/,
    code: "ETCD_COMMON_NAME",
    tell: () => "takes no certificate with a common name beside a user",
    nextStep:
      "Give a certificate whose subject has no CN (openssl req -subj /O=ringrift) in RINGRIFT_ETCD_CERT_FILE.",
  },
  {
    words: /permission denied/i,
    code: "ETCD_PERMISSION",
    tell: (user) => `does not let the user ${user} read and write this cluster's keys`,
    nextStep:
      "Grant a role of that user: etcdctl role grant-permission ROLE --prefix readwrite /ringrift/CLUSTER_ID/.",
  },
];

/** An answer other than 200 as an error that says what to do. */
export function refusalOf(endpoint: string, status: number, body: string, user: string | null): EtcdRefusal {
  const meaning = meanings.find(({ words }) => words.test(body));
  if (meaning !== undefined)
    return new EtcdRefusal(`${endpoint} ${meaning.tell(user ?? "nobody")}`, {
      code: meaning.code,
      nextStep: meaning.nextStep,
    });
  return new EtcdRefusal(`${endpoint} answered ${status}: ${body.slice(0, 200)}`, {
    code: "ETCD_REFUSED",
    nextStep: "The log of that etcd says why.",
  });
}

/** Whether the token that a question carried is no longer good, so that another will do. */
export function isStaleToken(status: number, body: string): boolean {
  return status === 401 || /invalid auth token|revision of auth store is old/i.test(body);
}
