import type { ElectionMessage } from "../core/election.ts";
import type { EventQueue } from "./event-queue.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** Probabilities per message, and delays in milliseconds. */
interface Weather {
  readonly loss: number;
  readonly duplication: number;
  readonly maxDelayMs: number;
}

const fairWeather: Weather = { loss: 0, duplication: 0, maxDelayMs: 10 };

/** Loses, delays, duplicates and reorders messages between voters; cuts go one way each. */
export interface Network {
  readonly send: (from: string, to: string, message: ElectionMessage) => void;
  readonly setWeather: (weather: Weather) => void;
  readonly cut: (from: string, to: string) => void;
  readonly isCut: (from: string, to: string) => boolean;
  readonly heal: () => void;
}

export function createNetwork(
  queue: EventQueue,
  random: SeededRandom,
  deliver: (from: string, to: string, message: ElectionMessage) => void,
): Network {
  const cuts = new Set<string>();
  const route = (from: string, to: string): string => `${from}>${to}`;
  let weather = fairWeather;

  const sendOnce = (from: string, to: string, message: ElectionMessage): void => {
    if (random.chance(weather.loss)) return;
    const delayMs = random.between(0.2, weather.maxDelayMs);
    queue.add(queue.now() + delayMs, () => {
      if (!cuts.has(route(from, to))) deliver(from, to, message);
    });
  };

  return {
    send: (from, to, message) => {
      if (cuts.has(route(from, to))) return;
      sendOnce(from, to, message);
      if (random.chance(weather.duplication)) sendOnce(from, to, message);
    },
    setWeather: (next) => {
      weather = next;
    },
    cut: (from, to) => cuts.add(route(from, to)),
    isCut: (from, to) => cuts.has(route(from, to)),
    heal: () => {
      cuts.clear();
      weather = fairWeather;
    },
  };
}
