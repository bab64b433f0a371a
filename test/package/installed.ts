/** The tarball in a project of its own, as a user installs it: packed as the build left it, fetched with npm. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const TSC = join(ROOT, "node_modules/typescript/bin/tsc");
const run = promisify(execFile);

export interface Packed {
  readonly tarball: string;
  readonly directory: string;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

export interface Outcome {
  readonly status: number;
  readonly output: string;
}

async function npm(args: readonly string[], cwd: string): Promise<string> {
  return (await run("npm", [...args], { cwd, shell: process.platform === "win32" })).stdout;
}

export async function pack(): Promise<Packed> {
  const directory = await mkdtemp(join(tmpdir(), "draftstate-package-"));
  const told = await npm(["pack", "--json", "--ignore-scripts", "--pack-destination", directory], ROOT);
  const [packed] = JSON.parse(told) as [Omit<Packed, "tarball" | "directory"> & { readonly filename: string }];
  return { ...packed, directory, tarball: join(directory, packed.filename) };
}

export class Project {
  private constructor(readonly directory: string) {}

  /** With the tarball and what else is named; packages of the checkout are at hand in npm's cache. */
  static async create(
    { directory, tarball }: Packed,
    name: string,
    packages: readonly string[] = [],
  ): Promise<Project> {
    const project = new Project(join(directory, name));
    await mkdir(project.directory);
    await project.write("package.json", '{ "private": true, "type": "module" }');
    await npm(["install", "--no-audit", "--no-fund", "--prefer-offline", tarball, ...packages], project.directory);
    return project;
  }

  write(name: string, text: string): Promise<void> {
    return writeFile(join(this.directory, name), text);
  }

  /** A module that imports from the project's packages. */
  async runModule(source: string): Promise<Outcome> {
    await this.write("module.mjs", source);
    return this.runFile("module.mjs");
  }

  command(...args: string[]): Promise<Outcome> {
    return this.run(process.execPath, ["node_modules/draftstate/bin/draftstate.js", ...args]);
  }

  /** As one who names no types and no library. */
  async compileBare(source: string): Promise<Outcome> {
    await this.write("bare.ts", source);
    const compilerOptions = {
      strict: true,
      skipLibCheck: false,
      noEmit: true,
      module: "nodenext",
      target: "es2022",
      types: [],
    };
    await this.write("tsconfig.json", JSON.stringify({ compilerOptions, files: ["bare.ts"] }));
    return this.run(process.execPath, [TSC, "--project", "."]);
  }

  /** A package of the checkout that needs no other. */
  link(name: string): Promise<void> {
    return symlink(join(ROOT, "node_modules", name), join(this.directory, "node_modules", name), "junction");
  }

  runFile(name: string): Promise<Outcome> {
    return this.run(process.execPath, [name]);
  }

  /** As the strictest user does: every declaration that is reached is checked. */
  async compile(sources: Readonly<Record<string, string>>): Promise<Outcome> {
    for (const [name, source] of Object.entries(sources)) await this.write(name, source);
    const types = join(ROOT, "node_modules/@types");
    const options = ["--strict", "--skipLibCheck", "false", "--module", "nodenext", "--target", "es2023"];
    return this.run(process.execPath, [
      TSC,
      ...options,
      "--lib",
      "es2023,esnext.disposable",
      "--types",
      "node",
      "--typeRoots",
      types,
      ...Object.keys(sources),
    ]);
  }

  private async run(program: string, args: readonly string[]): Promise<Outcome> {
    const env = { PATH: process.env["PATH"] ?? "", HOME: this.directory, DRAFTSTATE_OFFLINE_TOKEN_DELAY: "0" };
    try {
      const { stdout, stderr } = await run(program, [...args], { cwd: this.directory, env });
      return { status: 0, output: stdout + stderr };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { status: code, output: stdout + stderr };
    }
  }
}

export async function removePacked({ directory }: Packed): Promise<void> {
  await rm(directory, { recursive: true, force: true });
}
