import { defineConfig } from "vitest/config";

export default defineConfig({ test: { include: ["test/providers/*.check.ts"], testTimeout: 30_000 } });
