import { defineConfig } from "vitest/config";

export default defineConfig({ test: { include: ["test/ecosystem/*.check.mjs"], testTimeout: 120_000 } });
