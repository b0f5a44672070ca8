import { existsSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { worstSignal } from "@ringrift/protocol";
import type { Judgement } from "../judgement.ts";
import type { Probe } from "../probe.ts";
import { hostProbe } from "./host-probe.ts";

/** What the socket of one runtime answered. */
export interface RuntimeAnswer {
  readonly runtime: string;
  readonly answer: "alive" | "silent" | "refused" | "denied";
}

interface Runtime {
  readonly runtime: string;
  readonly socket: string;
  readonly request: string;
  isAnswer(text: string): boolean;
}

/**
 * How gRPC begins: the preface of HTTP/2 and settings without any, to which a server answers with its own. Merely to accept says
 * nothing, since the kernel accepts for a process that hangs.
 */
const settingsFrame = 4;
const grpc = {
  request: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0",
  // The fourth byte is the kind of the frame.
  isAnswer: (text: string) => text.charCodeAt(3) === settingsFrame,
};

const runtimes: readonly Runtime[] = [
  {
    runtime: "docker",
    socket: "docker.sock",
    request: "GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n",
    isAnswer: (text) => /^HTTP\/1\.\d 200 /.test(text),
  },
  { runtime: "containerd", socket: "containerd/containerd.sock", ...grpc },
  { runtime: "cri-o", socket: "crio/crio.sock", ...grpc },
];

const answerMs = 2000;
const maxAnswerBytes = 4096;

const states = { alive: "healthy", silent: "unhealthy", refused: "unhealthy", denied: "unknown" } as const;
const words = {
  alive: "answers",
  silent: `does not answer within ${answerMs / 1000} s`,
  refused: "has a socket at which nobody listens",
  denied: "may not be asked by this user",
} as const;

export function judgeRuntimes(answers: readonly RuntimeAnswer[]): Judgement {
  if (answers.length === 0)
    return { state: "not_applicable", reason: "no socket of a container runtime here" };
  const state = worstSignal(answers.map(({ answer }) => states[answer]));
  const denied = answers.some(({ answer }) => answer === "denied");
  return {
    state,
    reason: answers.map(({ runtime, answer }) => `${runtime} ${words[answer]}`).join("; "),
    ...(state === "healthy"
      ? {}
      : {
          action:
            state === "unknown" && denied
              ? "Add the agent's user to the group that owns the socket, or run it as root."
              : "systemctl status docker containerd crio; a hung runtime often waits for a disk or a GPU driver.",
        }),
    details: { answers: answers.map((each) => ({ ...each })) },
    measures: answers.map(({ runtime, answer }) => ({
      name: "container_runtime_up",
      labels: { runtime },
      value: answer === "denied" ? null : answer === "alive" ? 1 : 0,
    })),
  };
}

/** Connects, asks, and waits for the first bytes of the answer. */
export function askRuntime(
  path: string,
  { runtime, request, isAnswer }: Omit<Runtime, "socket">,
  waitMs: number = answerMs,
): Promise<RuntimeAnswer> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect(path);
    const finish = (answer: RuntimeAnswer["answer"]): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ runtime, answer });
    };
    const timer = setTimeout(() => finish("silent"), waitMs);
    socket.on("connect", () => socket.write(request, "latin1"));
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      if (isAnswer(text)) finish("alive");
      else if (text.includes("\r\n") || text.length > maxAnswerBytes) finish("silent");
    });
    socket.on("error", (error: NodeJS.ErrnoException) =>
      finish(error.code === "EACCES" || error.code === "EPERM" ? "denied" : "refused"),
    );
    socket.on("close", () => finish("silent"));
  });
}

export function createContainerRuntimeProbe(runRoot: string, nowSeconds: () => number): Probe {
  return hostProbe(
    {
      name: "container-runtime",
      title: "Container runtime",
      reads:
        "/run/docker.sock, /run/containerd/containerd.sock, /run/crio/crio.sock: does the runtime answer",
      intervalSeconds: 30,
      timeoutSeconds: 10,
      rules: [
        {
          state: "unhealthy",
          when: `docker does not answer a ping, or containerd or CRI-O the greeting of gRPC, within ${answerMs / 1000} s, or nobody listens at a socket that is there`,
          advice: "systemctl status docker containerd crio; look for a hung disk or GPU driver.",
        },
        {
          state: "unknown",
          when: "the agent's user may not open the socket",
          advice: "Add it to the group that owns the socket.",
        },
        { state: "not_applicable", when: "no socket of a runtime is there", advice: "Nothing." },
      ],
      cost: "under 0.3 ms a runtime",
      confirm: { raise: 2, clear: 2 },
      async check() {
        const answers: RuntimeAnswer[] = [];
        for (const runtime of runtimes) {
          const path = join(runRoot, runtime.socket);
          if (existsSync(path)) answers.push(await askRuntime(path, runtime));
        }
        return { judgement: judgeRuntimes(answers) };
      },
    },
    nowSeconds,
  );
}
