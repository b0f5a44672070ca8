import type { Config, ConfigEntry } from "./config.ts";

/** Every setting with its value and source, one a line, in columns. */
export function printConfig(config: Config): string {
  const rows = config.entries.map((entry) => [entry.setting.key, valueText(entry), entry.source] as const);
  const keyWidth = Math.max(...rows.map(([key]) => key.length));
  const valueWidth = Math.min(40, Math.max(...rows.map(([, value]) => value.length)));
  const lines = rows.map(
    ([key, value, source]) => `${key.padEnd(keyWidth)}  ${value.padEnd(valueWidth)}  ${source}`,
  );
  return `${[...lines, ...config.warnings.map((warning) => `warning: ${warning}`)].join("\n")}\n`;
}

/** The same as JSON: `{program, settings: [{key, env, value, source}], warnings}`. */
export function printConfigJson(config: Config): string {
  const settings = config.entries.map((entry) => ({
    key: entry.setting.key,
    env: entry.setting.env,
    value: entry.setting.secret && entry.value !== null ? "****" : entry.value,
    source: entry.source,
  }));
  return `${JSON.stringify({ program: config.program, settings, warnings: config.warnings }, null, 2)}\n`;
}

function valueText({ setting, value }: ConfigEntry): string {
  if (value === null) return "-";
  if (setting.secret) return "****";
  return Array.isArray(value) ? value.join(",") : String(value);
}
