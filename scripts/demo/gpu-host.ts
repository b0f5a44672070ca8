import { appendFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const fixtures = fileURLToPath(new URL("../../packages/probes/fixtures/", import.meta.url));
const capture = readFileSync(join(fixtures, "xml/h100-sxm5-v13.xml"), "utf8");
const cardStart = capture.indexOf("<gpu id=");
const cardEnd = capture.lastIndexOf("</gpu>") + "</gpu>".length;
const capturedCard = capture.slice(cardStart, cardEnd);
const capturedBus = "00000000:00:06.0";
const capturedUuid = "GPU-00000000-0000-4000-8000-000000000001";

interface Card {
  /** As the driver names it. */
  readonly busId: string;
  /** On the bus, so that the driver lists it. */
  present: boolean;
  celsius: number;
  utilizationPercent: number;
}

/** What a host with eight GPUs shows an agent: nvidia-smi's answer, replayed from a capture, and a kernel log. */
export class GpuHost {
  readonly cards: readonly Card[];
  readonly #name: string;
  readonly #directory: string;

  constructor(name: string, directory: string) {
    this.#name = name;
    this.#directory = directory;
    this.cards = Array.from({ length: 8 }, (_, index) => ({
      busId: `00000000:${(0x10 + index * 0x11).toString(16).toUpperCase()}:00.0`,
      present: true,
      celsius: 57,
      utilizationPercent: 97,
    }));
    mkdirSync(directory, { recursive: true });
    writeFileSync(this.#file("kernel.log"), "");
    this.answer("ok");
    this.show();
  }

  /** Variables of the agent that lives on this host. */
  environment(): Record<string, string> {
    return {
      RINGRIFT_NODE_ID: this.#name,
      RINGRIFT_DATA_DIR: this.#file("state"),
      RINGRIFT_NVIDIA_SMI: join(fixtures, "nvidia-smi-replayer.mjs"),
      RINGRIFT_EXPECTED_GPUS: "8",
      RINGRIFT_KMSG: this.#file("kernel.log"),
      NVIDIA_SMI_REPLAY_FILE: this.#file("nvidia-smi.xml"),
      NVIDIA_SMI_REPLAY_MODE: this.#file("mode"),
    };
  }

  /** How nvidia-smi behaves from now on, in the words of the replayer. */
  answer(mode: "ok" | "hang"): void {
    writeFileSync(this.#file("mode"), mode);
  }

  /** Lets nvidia-smi tell what the cards are now. */
  show(): void {
    const cards = this.cards.flatMap((card, index) => (card.present ? [this.#describe(card, index)] : []));
    const text = `${capture.slice(0, cardStart)}${cards.join("\n\t")}${capture.slice(cardEnd)}`;
    // Renamed into place: nvidia-smi may be asked at any moment.
    const next = this.#file("nvidia-smi.next");
    writeFileSync(next, text.replace(/<attached_gpus>\d+</, `<attached_gpus>${cards.length}<`));
    renameSync(next, this.#file("nvidia-smi.xml"));
  }

  /** The driver logs an error of a card. */
  xid(card: number, code: number, text: string): void {
    const bus = this.#card(card).busId.slice("0000".length, -".0".length).toLowerCase();
    this.#log(`NVRM: Xid (PCI:${bus}): ${code}, ${text}`);
  }

  /** As after a reboot: all cards answer, and what the log told before is over. */
  reloadDriver(): void {
    this.#log("NVRM: loading NVIDIA UNIX Open Kernel Module for x86_64  580.159.04  Release Build");
    for (const card of this.cards) card.present = true;
    this.show();
  }

  change(card: number, values: Partial<Omit<Card, "busId">>): void {
    Object.assign(this.#card(card), values);
    this.show();
  }

  #log(message: string): void {
    const at = new Date().toISOString().replace(/\.\d+Z$/, "Z");
    appendFileSync(this.#file("kernel.log"), `${at} ${this.#name} kernel: ${message}\n`);
  }

  #card(index: number): Card {
    const card = this.cards[index];
    if (card === undefined) throw new RangeError(`${this.#name} has no GPU ${index}`);
    return card;
  }

  #describe({ busId, celsius, utilizationPercent }: Card, index: number): string {
    const hexIndex = index.toString(16).padStart(2, "0");
    return (
      capturedCard
        .replaceAll(capturedBus, busId)
        .replaceAll(capturedUuid, `GPU-${this.#uuidHead()}-0000-4000-8000-0000000000${hexIndex}`)
        // Memory in use must belong to a process that lives, or the agents say so.
        .replace(/<pid>\d+</, `<pid>${process.pid}<`)
        .replace(/<minor_number>\d+</, `<minor_number>${index}<`)
        .replace(/<gpu_util>\d+ %</, `<gpu_util>${utilizationPercent} %<`)
        .replace(/<gpu_temp>\d+ C</, `<gpu_temp>${celsius} C<`)
        .replace(/<gpu_temp_tlimit>-?\d+ C</, `<gpu_temp_tlimit>${88 - celsius} C<`)
    );
  }

  #uuidHead(): string {
    return this.#name.replace(/\D/g, "").padStart(8, "0");
  }

  #file(name: string): string {
    return join(this.#directory, name);
  }
}
