import { defineConfig, type ViteUserConfig } from "vitest/config";

// The limits catch what hangs. They are no measure of speed: a busy machine may take its time.
const config: ViteUserConfig = defineConfig({ test: { testTimeout: 30_000, hookTimeout: 60_000 } });
export default config;
