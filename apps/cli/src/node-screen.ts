import { z } from "zod";
import { signalOrder, whatToDo, worstFirst } from "./checks.ts";
import { age, stateWord, table } from "./table.ts";

// The answer has no schema of its own yet, so only what is shown is looked for.
const nodeSchema = z.object({
  node: z.object({
    id: z.string(),
    state: z.string(),
    link: z.string(),
    reportAgeSeconds: z.number().nullable(),
    reasons: z.array(z.string()),
    // Not known while the node is silent.
    cards: z
      .array(
        z.object({
          index: z.number().nullable(),
          busId: z.string(),
          name: z.string(),
          state: z.string(),
          reason: z.string(),
          utilizationRatio: z.number().nullable(),
        }),
      )
      .nullable(),
    checks: z.array(
      z.object({
        check: z.string(),
        state: z.enum(signalOrder),
        reason: z.string(),
        action: z.string().optional(),
      }),
    ),
  }),
});

/** The screen of `ringrift node ID`: its cards, its checks with the worst first, and what to do. */
export function nodeScreen(answer: unknown): string {
  const { node } = nodeSchema.parse(answer);
  const checks = worstFirst(node.checks);
  const blocks = [
    `${node.id}  ${stateWord(node.state)}  link ${stateWord(node.link)}  reported ${age(node.reportAgeSeconds)}`,
  ];
  if (node.state === "retired") blocks[0] += `\n${node.reasons[0] ?? ""}`;
  if (node.cards !== null && node.cards.length > 0)
    blocks.push(
      table(
        ["GPU", "BUS", "NAME", "STATE", "USE", "WHY"],
        node.cards.map((card) => [
          card.index === null ? "lost" : String(card.index),
          card.busId,
          card.name,
          stateWord(card.state),
          card.utilizationRatio === null ? "?" : `${Math.round(card.utilizationRatio * 100)}%`,
          card.reason,
        ]),
      ),
    );
  if (checks.length > 0)
    blocks.push(
      table(
        ["CHECK", "STATE", "WHY"],
        checks.map(({ check, state, reason }) => [check, stateWord(state), reason]),
      ),
    );
  const advice = whatToDo(checks);
  if (advice !== null) blocks.push(advice);
  return blocks.join("\n\n");
}
