import { execFileSync } from "node:child_process";
import { type Program, startCommand } from "../src/program.ts";

/** Hosts that are network namespaces on one bridge, with real cables between; needs root. */
export class Network {
  readonly #prefix = `rr${process.pid}`;
  readonly #hosts: readonly number[];

  constructor(hosts: number) {
    this.#hosts = Array.from({ length: hosts }, (_, index) => index + 1);
    ip("netns", "add", this.#bridge);
    ip("-n", this.#bridge, "link", "add", "br0", "type", "bridge");
    ip("-n", this.#bridge, "link", "set", "br0", "up");
    for (const host of this.#hosts) {
      const namespace = this.#namespace(host);
      ip("netns", "add", namespace);
      const port = ["peer", "name", `p${host}`, "netns", this.#bridge];
      ip("link", "add", "name", "eth0", "netns", namespace, "type", "veth", ...port);
      ip("-n", namespace, "addr", "add", `${this.address(host)}/24`, "dev", "eth0");
      ip("-n", namespace, "link", "set", "lo", "up");
      ip("-n", namespace, "link", "set", "eth0", "up");
      ip("-n", this.#bridge, "link", "set", `p${host}`, "master", "br0", "up");
    }
  }

  address(host: number): string {
    return `10.77.0.${host}`;
  }

  /** Starts a command on a host; a signal to the program reaches the command itself. */
  start(
    host: number,
    command: string,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
  ): Program {
    return startCommand("ip", ["netns", "exec", this.#namespace(host), command, ...args], env);
  }

  /** Pulls a host's cable, or plugs it in again. */
  cable(host: number, plugged: boolean): void {
    ip("-n", this.#bridge, "link", "set", `p${host}`, plugged ? "up" : "down");
  }

  remove(): void {
    for (const host of this.#hosts) ip("netns", "del", this.#namespace(host));
    ip("netns", "del", this.#bridge);
  }

  get #bridge(): string {
    return `${this.#prefix}-bridge`;
  }

  #namespace(host: number): string {
    return `${this.#prefix}-${host}`;
  }
}

function ip(...args: readonly string[]): void {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "inherit"] });
}
