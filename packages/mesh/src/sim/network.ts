import type { EventQueue } from "./event-queue.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** Probabilities per message, and delays in milliseconds. */
interface Weather {
  readonly loss: number;
  readonly duplication: number;
  readonly maxDelayMs: number;
}

const fairWeather: Weather = { loss: 0, duplication: 0, maxDelayMs: 10 };

/** Loses, delays, duplicates and reorders packets between nodes; cuts go one way each. */
export interface Network<Packet> {
  readonly send: (from: string, to: string, packet: Packet) => void;
  readonly setWeather: (weather: Weather) => void;
  readonly cut: (from: string, to: string) => void;
  /** Packets on this way take up to so long, as in a socket that hardly drains. */
  readonly clog: (from: string, to: string, maxDelayMs: number) => void;
  readonly isCut: (from: string, to: string) => boolean;
  /** What is on its way to a node is lost, as with the connections of its process. */
  readonly forget: (to: string) => void;
  readonly heal: () => void;
}

export function createNetwork<Packet>(
  queue: EventQueue,
  random: SeededRandom,
  deliver: (from: string, to: string, packet: Packet) => void,
): Network<Packet> {
  const cuts = new Set<string>();
  const clogs = new Map<string, number>();
  /** How often each node's packets were lost. */
  const lives = new Map<string, number>();
  let weather = fairWeather;
  const isCut = (from: string, to: string): boolean => cuts.size > 0 && cuts.has(`${from}>${to}`);

  const sendOnce = (from: string, to: string, packet: Packet): void => {
    if (random.chance(weather.loss)) return;
    const life = lives.get(to);
    const clogMs = clogs.size > 0 ? clogs.get(`${from}>${to}`) : undefined;
    queue.add(queue.now() + random.between(0.2, clogMs ?? weather.maxDelayMs), () => {
      if (!isCut(from, to) && lives.get(to) === life) deliver(from, to, packet);
    });
  };

  return {
    send: (from, to, packet) => {
      if (isCut(from, to)) return;
      sendOnce(from, to, packet);
      if (random.chance(weather.duplication)) sendOnce(from, to, packet);
    },
    setWeather: (next) => {
      weather = next;
    },
    cut: (from, to) => cuts.add(`${from}>${to}`),
    clog: (from, to, maxDelayMs) => clogs.set(`${from}>${to}`, maxDelayMs),
    isCut,
    forget: (to) => lives.set(to, (lives.get(to) ?? 0) + 1),
    heal: () => {
      cuts.clear();
      clogs.clear();
      weather = fairWeather;
    },
  };
}
