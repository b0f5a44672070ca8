/** Exit codes of every program, after sysexits where it has one. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 64,
  unreachable: 69,
  denied: 77,
  configuration: 78,
  interrupted: 130,
} as const;
