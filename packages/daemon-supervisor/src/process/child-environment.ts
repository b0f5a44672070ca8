// core: pure
import type { Account } from "../definition/definition.ts";

/** Of the supervisor alone: settings that may name its secrets, and systemd's words to it, which a child would answer in its name. */
const ownNames =
  /^(RINGRIFT_.*|NOTIFY_SOCKET|WATCHDOG_USEC|WATCHDOG_PID|LISTEN_FDS|LISTEN_PID|LISTEN_FDNAMES|CREDENTIALS_DIRECTORY|INVOCATION_ID|JOURNAL_STREAM)$/;

type Environment = Readonly<Record<string, string | undefined>>;

/** What daemons inherit of the supervisor's own environment. */
export function inheritedEnvironment(own: Environment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(own).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && !ownNames.test(entry[0]),
    ),
  );
}

/** The environment of one daemon: inherited, then its account's, then how it can notify, then what its definition says. */
export function childEnvironment(
  inherited: Environment,
  daemon: {
    readonly env: Environment;
    readonly user?: Account | null;
    readonly notifyFd?: number | null;
    readonly watchdogMs?: number | null;
  },
): Environment {
  const { user = null, notifyFd = null, watchdogMs = null } = daemon;
  return {
    ...inherited,
    ...(user === null ? {} : { HOME: user.home, USER: user.name, LOGNAME: user.name }),
    ...(notifyFd === null ? {} : { RINGRIFT_NOTIFY_FD: String(notifyFd) }),
    ...(watchdogMs === null ? {} : { WATCHDOG_USEC: String(Math.round(watchdogMs * 1000)) }),
    ...daemon.env,
  };
}
