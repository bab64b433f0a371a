/** The pages of docs/ show what the program prints. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

test("each command in docs/ prints what the page shows; scripts/write-docs.mjs writes it", { timeout: 600_000 }, () => {
  const script = fileURLToPath(new URL("../../scripts/write-docs.mjs", import.meta.url));
  const { stdout, status } = spawnSync(process.execPath, [script, "--check"], { encoding: "utf8" });
  expect([status, stdout]).toEqual([0, ""]);
});
