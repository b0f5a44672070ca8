import type { Probe, ProbeOutcome } from "@ringrift/probes";

const everyMs = 500;

/**
 * Asks those probes that can hear of something by themselves, such as an error in the kernel log, so that it need not wait for
 * their next run. One round at a time: a slow one skips beats.
 *
 * @returns a function that ends it.
 */
export function watchNews(
  probes: readonly Probe[],
  onNews: (outcomes: readonly ProbeOutcome[]) => void,
  onError: (error: unknown) => void,
): () => void {
  const askable = probes.filter(({ news }) => news !== undefined);
  let asking = false;
  const timer = setInterval(() => {
    if (asking) return;
    asking = true;
    Promise.all(askable.map((probe) => probe.news?.() ?? null))
      .then((answers) => {
        const outcomes = answers.filter((answer) => answer !== null);
        if (outcomes.length > 0) onNews(outcomes);
      })
      .catch(onError)
      .finally(() => {
        asking = false;
      });
  }, everyMs);
  return () => clearInterval(timer);
}
