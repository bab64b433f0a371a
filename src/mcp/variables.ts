/**
 * Variables of the environment in a server's configuration: `${env:NAME}`, `${NAME}`, `${NAME:-default}`, and, where secrets
 * belong (`env`, `headers`), `$NAME`. A variable that is not set is an error: sending its name in its place would hide the mistake.
 */
export interface Place {
  readonly field: string;
  /** Whether `$NAME` without braces counts. */
  readonly bare: boolean;
}

const BRACED = /\$\{([^}]*)\}/g;
const NAMED = /^(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s;
const BARE = /\$([A-Z_][A-Z0-9_]*)/g;

export class Variables {
  readonly #used = new Set<string>();

  constructor(
    private readonly env: Readonly<Record<string, string | undefined>>,
    private readonly wrong: (what: string) => Error,
  ) {}

  /** The values that were put in. */
  get used(): readonly string[] {
    return [...this.#used];
  }

  putInto(text: string, { field, bare }: Place): string {
    const pieces = text.split(BRACED);
    return pieces
      .map((piece, index) => {
        // Between two matches stands what was inside the braces.
        if (index % 2 === 1) return this.#braced(piece, field);
        return bare ? piece.replaceAll(BARE, (_whole, name: string) => this.#valueOf(name, undefined, field)) : piece;
      })
      .join("");
  }

  #braced(inside: string, field: string): string {
    const [, name, preset] = NAMED.exec(inside) ?? [];
    if (name === undefined) throw this.wrong(`${field} holds \${${inside.slice(0, 40)}}: only \${env:NAME} is known`);
    return this.#valueOf(name, preset, field);
  }

  #valueOf(name: string, preset: string | undefined, field: string): string {
    const value = this.env[name] ?? "";
    if (value === "" && preset !== undefined) return preset;
    if (value === "") throw this.wrong(`${field} needs the variable ${name}, which is not set`);
    this.#used.add(value);
    return value;
  }
}
