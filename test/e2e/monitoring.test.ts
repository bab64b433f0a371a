/** `stats`, `health`, alerts and `--verbose` of the built CLI, as people, scrapers and monitors see them. */
import { truncate } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import parsePrometheus from "parse-prometheus-text-format";
import { describe, expect } from "vitest";
import { mountSmallDisk } from "../doubles/small-disk.js";
import { errorOf, until } from "./cli.js";
import { test, TIMEOUT } from "../cli/world.js";

interface StatsJson {
  readonly total: {
    readonly answers: number;
    readonly tokens: number;
    readonly saves: number;
    readonly timeToFirstTokenMs: number;
  };
  readonly conversations: readonly {
    readonly conversationId: string;
    readonly tokenCount: number;
    readonly answers: number;
    readonly writeAmplification: number;
  }[];
}

interface HealthJson {
  readonly status: string;
  readonly checks: readonly { readonly name: string; readonly status: string; readonly detail: string }[];
}

describe("stats", TIMEOUT, () => {
  test("tokens, answers and saves of several processes add up, for the store and each conversation", async ({
    workspace,
  }) => {
    await workspace.run(["chat", "Hi", "--id", "one"]);
    await workspace.run(["chat", "And then?", "--resume", "one"]);
    await workspace.run(["chat", "Hi", "--id", "two"]);
    const stats = (await workspace.json(["stats"])) as StatsJson;
    const rows = await workspace.ls();
    expect(stats.total.answers).toBe(3);
    expect(stats.total.tokens).toBe(rows.reduce((sum, { tokenCount }) => sum + tokenCount, 0));
    expect(stats.total.timeToFirstTokenMs).toBeGreaterThan(0);
    expect(stats.conversations.find(({ conversationId }) => conversationId === "one")).toMatchObject({
      answers: 2,
      tokenCount: rows.find(({ conversationId }) => conversationId === "one")?.tokenCount,
    });
    const two = (await workspace.json(["stats", "two"])) as StatsJson["conversations"][number];
    expect(two).toMatchObject({ conversationId: "two", answers: 1 });
    expect(two.writeAmplification).toBeGreaterThan(1);
    const shown = await workspace.run(["stats"]);
    expect(shown.stdout).toContain("one");
    expect(shown.stdout).not.toContain("\u001b");
    expect(shown.stderr).toBe("");
  });

  test("shows nothing of a label in a file of metrics that no program of ours wrote", async ({ workspace }) => {
    await workspace.run(["chat", "Hi", "--id", "tale"]);
    await workspace.write(
      "state/.draftstate/metrics/_process-zz.json",
      JSON.stringify({
        version: 1,
        closed: true,
        queueDepth: 0,
        unsavedSince: null,
        counters: { draftstate_saves_total: { "\u001b]0;owned\u0007\u001b[31m\u009b31m": 3 } },
        histograms: {},
      }),
    );
    const { stdout, status } = await workspace.run(["stats", "--prometheus"]);
    expect([status, stdout.includes("owned"), /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/.test(stdout)]).toEqual([
      0,
      false,
      false,
    ]);
  });

  test("in Prometheus' format a foreign parser finds what the JSON says", async ({ workspace }) => {
    await workspace.run(["chat", "Hi", "--id", "one"]);
    const { stdout, status } = await workspace.run(["stats", "--prometheus"]);
    expect(status).toBe(0);
    const families = new Map(parsePrometheus(stdout).map((family) => [family.name, family]));
    const stats = (await workspace.json(["stats"])) as StatsJson;
    const saves = families.get("draftstate_saves_total")?.metrics.map(({ value }) => Number(value)) ?? [];
    expect(saves.reduce((sum, value) => sum + value, 0)).toBe(stats.total.saves);
    expect(families.get("draftstate_conversations")?.metrics[0]?.value).toBe("1");
    expect(families.get("draftstate_fallback_active")?.metrics[0]?.value).toBe("0");
    for (const area of ["state", "backup"]) expect(stdout).toContain(`draftstate_free_bytes{area="${area}"}`);
  });

  test("an empty store has stats too, and looking makes no file; an unknown conversation is not found", async ({
    workspace,
  }) => {
    expect(((await workspace.json(["stats"])) as StatsJson).total.saves).toBe(0);
    expect([...(await workspace.files()).keys()]).toEqual([]);
    const missing = await workspace.run(["stats", "nothing", "--json"]);
    expect(missing.status).toBe(3);
    expect(errorOf(missing).code).toBe("NOT_FOUND");
  });

  test("with metrics turned off nothing is kept", async ({ workspace }) => {
    await workspace.run(["chat", "Hi", "--id", "one"], { env: { DRAFTSTATE_METRICS: "false" } });
    expect([...(await workspace.files()).keys()].filter((file) => file.includes("metrics"))).toEqual([]);
    expect(((await workspace.json(["stats"])) as StatsJson).total.tokens).toBe(0);
  });

  test("a killed process loses no more than what it had not kept yet, and the next ones count on", async ({
    workspace,
  }) => {
    const cli = workspace.start(["chat", "Hi", "--id", "one", "--json"], {
      env: { DRAFTSTATE_OFFLINE_TOKEN_DELAY: "20" },
    });
    await cli.printed("saved", 5);
    await cli.end("SIGKILL");
    await workspace.run(["chat", "--resume", "one"]);
    const stats = (await workspace.json(["stats"])) as StatsJson & { counters: Record<string, Record<string, number>> };
    expect(stats.total.answers).toBe(1);
    expect(stats.counters["draftstate_recoveries_total"]).toEqual({ interrupted: 1 });
  });
});

describe("health", TIMEOUT, () => {
  test("exits with 0 when all is well and when something is to be looked at", async ({ workspace }) => {
    await workspace.run(["chat", "Hi", "--id", "one"]);
    const well = await workspace.run(["health", "--json", "--min-free", "1K"]);
    expect(well.status).toBe(0);
    expect(JSON.parse(well.stdout)).toMatchObject({
      status: "ok",
      checks: expect.arrayContaining([{ name: "damaged-files", status: "ok", detail: expect.any(String) }]),
    });
    const warned = await workspace.run([
      "health",
      "--json",
      "--min-free",
      "1K",
      "--state-dir",
      "not-there",
      "--backup-dir",
      "nor-there",
    ]);
    expect(warned.status).toBe(0);
    expect((JSON.parse(warned.stdout) as HealthJson).status).toBe("warn");
  });

  test("exits with 4 for a damaged file, and names it", async ({ workspace }) => {
    await workspace.run(["chat", "Hi", "--id", "one"]);
    await truncate(workspace.path("state/one.json"), 50);
    const result = await workspace.run(["health", "--json", "--min-free", "1K"]);
    expect(result.status).toBe(4);
    const failing = (JSON.parse(result.stdout) as HealthJson).checks.filter(({ status }) => status === "fail");
    expect(failing).toEqual([{ name: "damaged-files", status: "fail", detail: expect.stringContaining("one.json") }]);
  });

  test("exits with 7 where nothing can be written", async ({ workspace }) => {
    const disk = await mountSmallDisk(workspace.path("state"), "4m");
    try {
      if (disk === undefined) await workspace.write("elsewhere", "a file in place of the directory");
      else await disk.makeReadOnly();
      const result = await workspace.run([
        "health",
        "--json",
        "--min-free",
        "1K",
        "--state-dir",
        disk === undefined ? "elsewhere" : "state",
      ]);
      expect(result.status).toBe(7);
      expect((JSON.parse(result.stdout) as HealthJson).checks[0]).toMatchObject({
        name: "directories-writable",
        status: "fail",
      });
    } finally {
      await disk?.unmount();
    }
  });

  test("--nagios gives the one line and the statuses that monitoring plugins have", async ({ workspace }) => {
    await workspace.run(["chat", "Hi", "--id", "one"]);
    const well = await workspace.run(["health", "--nagios", "--min-free", "1K"]);
    expect([well.status, well.stdout]).toEqual([0, "DRAFTSTATE OK - 7 checks passed\n"]);
    const warned = await workspace.run(["health", "--nagios", "--min-free", "9999T"]);
    expect(warned.status).toBe(2);
    await truncate(workspace.path("state/one.json"), 50);
    const failed = await workspace.run(["health", "--nagios", "--min-free", "1K"]);
    expect(failed.status).toBe(2);
    expect(failed.stdout).toMatch(/^DRAFTSTATE CRITICAL - damaged-files: .*one\.json.*\n$/);
  });

  test("changes that another process has not saved for long are seen from here", async ({ workspace }) => {
    const env = {
      DRAFTSTATE_REAL_TIME_SAVE: "false",
      DRAFTSTATE_AUTO_SAVE: "false",
      DRAFTSTATE_OFFLINE_TOKEN_DELAY: "500",
    };
    const cli = workspace.start(["chat", "Hi", "--id", "one", "--no-save-on-token"], { env });
    const unsaved = async (): Promise<true | undefined> => {
      // A warning, or on a slow machine already a failure.
      const { stdout } = await workspace.run(["health", "--min-free", "1K", "--max-unsaved", "1s", "--json"]);
      const health = JSON.parse(stdout) as HealthJson;
      const check = health.checks.find(({ name }) => name === "unsaved-changes");
      return check?.status !== "ok" && check?.detail.includes(`pid ${cli.pid}`) === true ? true : undefined;
    };
    await until(unsaved, () => "a warning of unsaved changes", 60_000);
    await cli.end("SIGKILL");
  });
});

describe("alerts and logs", TIMEOUT, () => {
  test("a rule in the settings is a line on stderr and a post to the webhook, and the chat is as good as ever", async ({
    workspace,
  }) => {
    const bodies: string[] = [];
    const server = createServer((request, response) => {
      request
        .setEncoding("utf8")
        .on("data", (text: string) => bodies.push(text))
        .on("end", () => response.writeHead(204).end());
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
    await workspace.write(
      "draftstate.config.json",
      JSON.stringify({ alerts: [{ metric: "draftstate_save_duration_seconds", above: 0 }], alertWebhook: url }),
    );
    await workspace.run(["trust"]);
    const result = await workspace.run(["chat", "my-secret-question", "--id", "one"]);
    server.close();
    expect(result.status).toBe(0);
    expect(result.stderr).toMatch(
      /^warning: alert: draftstate_save_duration_seconds is .* \(rule: draftstate_save_duration_seconds above 0\)$/m,
    );
    expect(JSON.parse(bodies.join(""))).toMatchObject({
      source: "draftstate",
      state: "firing",
      metric: "draftstate_save_duration_seconds",
    });
    expect(bodies.join("")).not.toContain("my-secret-question");
    expect(result.stdout).not.toContain("alert");
  });

  test("a webhook that hangs costs the end of a chat a bounded moment, and nothing of the answer", async ({
    workspace,
  }) => {
    const server = createServer(() => undefined);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/secret-path`;
    const env = {
      DRAFTSTATE_ALERTS: '[{"metric":"draftstate_save_duration_seconds","above":0}]',
      DRAFTSTATE_ALERT_WEBHOOK: url,
    };
    const result = await workspace.run(["chat", "Hi", "--id", "one"], { env });
    server.closeAllConnections();
    server.close();
    expect(result.status).toBe(0);
    expect(result.stderr).toContain("not delivered");
    expect(result.stderr).not.toContain("secret-path");
    expect((await workspace.row("one"))?.status).toBe("complete");
  });

  test("an unknown key in a rule is an error that names it", async ({ workspace }) => {
    await workspace.write(
      "draftstate.config.json",
      JSON.stringify({ alerts: [{ metric: "draftstate_queue_depth", above: 1, severity: "high" }] }),
    );
    const result = await workspace.run(["ls", "--json"]);
    expect(result.status).toBe(2);
    expect(errorOf(result)).toMatchObject({ code: "INVALID_CONFIG", path: "alerts[0].severity" });
  });

  test("--verbose gives a structured line for each event on stderr, without a word of the conversation", async ({
    workspace,
  }) => {
    const result = await workspace.run(["chat", "my-secret-question", "--id", "one", "--verbose"]);
    const lines = result.stderr.split("\n").filter((line) => line.startsWith("level="));
    expect(
      lines.some((line) =>
        /^level=debug event=stateSaved conversationId=one kind=journal revision=\d+ records=\d+ bytes=\d+ durationMs=[\d.]+$/.test(
          line,
        ),
      ),
    ).toBe(true);
    expect(lines.some((line) => line.startsWith("level=info event=answerEnded conversationId=one"))).toBe(true);
    expect(lines.some((line) => line.startsWith("level=info event=backupCreated"))).toBe(true);
    expect(result.stderr).not.toContain("my-secret-question");
  });
});
