/** Files as somebody who means harm would make them, each beside a healthy conversation: with valid checksums where those can be had. */
import { execFile } from "node:child_process";
import { mkdir, open, symlink, writeFile } from "node:fs/promises";
import { platform } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { crc32 } from "node:zlib";
import { seal } from "../../src/snapshot/checksum.js";

export const GOOD = "good";
export const TIMESTAMP = "2026-01-14T21-30-00-000Z";
const AT = "2026-01-14T21:30:00.000Z";
/** Clears the screen, sets the title, rings, turns the text round: where any of it arrives raw, it acts. */
export const CONTROL = "\\u001b[2J\\u001b]0;owned\\u0007\\u009b31m\\u202eevil\\r\\u2028";
const BEYOND_THE_LIMIT = 401 * 1024 * 1024;

export interface Directories {
  readonly stateDir: string;
  readonly backupDir: string;
}

export type Plant = (id: string, directories: Directories) => Promise<unknown>;

function metadata(id: string, more = ""): string {
  return `  "_metadata": {\n    "savedAt": "${AT}",\n    "version": "1.0.0",\n    "conversationId": "${id}",\n    "revision": 5,\n    "createdAt": "${AT}"${more},\n    "checksum": "sha256:"\n  }\n}\n`;
}

const MESSAGES = `  "messages": [],\n`;

/** A snapshot with a checksum that is right. */
export function sealedSnapshot(id: string, fields: string, more = ""): Buffer {
  return seal(Buffer.from(`{\n${fields}${metadata(id, more)}`));
}

function line(fields: string): string {
  const body = `"len":${Buffer.byteLength(fields) + 1},${fields}}`;
  return `{"crc":"${crc32(body).toString(16).padStart(8, "0")}",${body}\n`;
}

function journal(id: string, ...records: string[]): string {
  return line(`"journal":1,"conversationId":"${id}","createdAt":"${AT}","base":5`) + records.map(line).join("");
}

function snapshot(bytes: (id: string) => string | Uint8Array): Plant {
  return (id, { stateDir }) => writeFile(join(stateDir, `${id}.json`), bytes(id));
}

function withJournal(...records: string[]): Plant {
  return async (id, { stateDir }) => {
    await writeFile(join(stateDir, `${id}.json`), sealedSnapshot(id, MESSAGES));
    await writeFile(join(stateDir, `${id}.journal`), journal(id, ...records));
  };
}

function withBackup(extension: string, bytes: (id: string) => string | Uint8Array): Plant {
  return async (id, { stateDir, backupDir }) => {
    await writeFile(join(stateDir, `${id}.json`), sealedSnapshot(id, MESSAGES));
    await writeFile(join(backupDir, `${id}_${TIMESTAMP}.json${extension}`), bytes(id));
  };
}

function patch(path: string, value = '"x"', op = "add"): string {
  return `"rev":6,"at":1,"patches":[{"op":"${op}","path":${path},"value":${value}}]`;
}

const nested = (depth: number): string => `${"[".repeat(depth)}${"]".repeat(depth)}`;
const nestedObjects = (depth: number): string => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;

/** Contents of files, whose conversation is refused or read, but never wrong and never believed by halves. */
export const CONTENTS: Readonly<Record<string, Plant>> = {
  "a state nested 100,000 deep": snapshot((id) => sealedSnapshot(id, `  "a": ${nested(100_000)},\n`)),
  "a state of objects nested 100,000 deep": snapshot((id) => sealedSnapshot(id, `  "a": ${nestedObjects(100_000)},\n`)),
  "metadata nested 100,000 deep": snapshot((id) =>
    sealedSnapshot(id, MESSAGES, `,\n    "own": ${nestedObjects(100_000)}`),
  ),
  "metadata of a megabyte": snapshot((id) => sealedSnapshot(id, MESSAGES, `,\n    "own": "${"x".repeat(2 ** 20)}"`)),
  "a number beyond all numbers": snapshot((id) => sealedSnapshot(id, '  "a": 1e999,\n')),
  "a negative zero": snapshot((id) => sealedSnapshot(id, '  "a": -0,\n')),
  "the last revision there is": snapshot((id) =>
    seal(
      Buffer.from(`{\n${MESSAGES}${metadata(id).replace('"revision": 5', `"revision": ${Number.MAX_SAFE_INTEGER}`)}`),
    ),
  ),
  "a revision of 1e308": snapshot((id) =>
    seal(Buffer.from(`{\n${MESSAGES}${metadata(id).replace('"revision": 5', '"revision": 1e308')}`)),
  ),
  "a negative revision": snapshot((id) =>
    seal(Buffer.from(`{\n${MESSAGES}${metadata(id).replace('"revision": 5', '"revision": -5')}`)),
  ),
  "every key twice": snapshot((id) => sealedSnapshot(id, `${MESSAGES}  "messages": {},\n  "a": 1,\n  "a": 2,\n`)),
  "two _metadata": snapshot((id) =>
    sealedSnapshot(id, `${MESSAGES}  "_metadata": {"conversationId": "../../other", "version": "9.0.0"},\n`),
  ),
  "a __proto__ key": snapshot((id) => sealedSnapshot(id, '  "__proto__": {"polluted": true},\n')),
  "a __proto__ key deep inside": snapshot((id) =>
    sealedSnapshot(id, '  "a": [{"b": {"__proto__": {"polluted": true}}}],\n'),
  ),
  "__proto__ as metadata": snapshot((id) => sealedSnapshot(id, MESSAGES, ',\n    "__proto__": {"polluted": true}')),
  "the id of another conversation": snapshot(() => sealedSnapshot(GOOD, MESSAGES)),
  "an id that is a path": snapshot(() => sealedSnapshot("../../etc/passwd", MESSAGES)),
  "a newer version that is an escape sequence": snapshot(
    (id) => `{"_metadata":{"version":"99${CONTROL}","conversationId":"${id}"}}`,
  ),
  "an unknown older version that is one": snapshot(
    (id) => `{"messages":[],"_metadata":{"version":"0${CONTROL}","conversationId":"${id}"}}`,
  ),
  "a draft with a class of its own": snapshot(
    (id) =>
      `{"messages":[{"lc":1,"type":"constructor","id":["a","Evil${CONTROL}"],"kwargs":{"content":"x"}}],"_metadata":{"version":"1.0.0-draft","conversationId":"${id}","savedAt":"${AT}"}}`,
  ),
  "a draft whose class is a method of objects": snapshot(
    (id) =>
      `{"messages":[{"lc":1,"type":"constructor","id":["a","hasOwnProperty"],"kwargs":{"content":"x"}}],"_metadata":{"version":"1.0.0-draft","conversationId":"${id}","savedAt":"${AT}"}}`,
  ),
  "invalid UTF-8": snapshot((id) =>
    Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xc3, 0x28, 0xff]), Buffer.from(`",${metadata(id)}`)]),
  ),
  "a byte order mark": snapshot((id) => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), sealedSnapshot(id, MESSAGES)])),
  "UTF-16": snapshot((id) => Buffer.from(sealedSnapshot(id, MESSAGES).toString(), "utf16le")),
  "NUL bytes": snapshot(() => Buffer.alloc(4096)),
  nothing: snapshot(() => ""),
  null: snapshot(() => "null"),
  "a list": snapshot(() => "[]"),
  "escape sequences instead of JSON": snapshot(() => JSON.parse(`"${CONTROL}"`) as string),
  "escape sequences as keys": snapshot((id) => sealedSnapshot(id, `  "${CONTROL}": {"__proto__": 1},\n`)),
  "a change to __proto__": withJournal(patch('["__proto__","polluted"]')),
  "a change of __proto__ itself": withJournal(patch('["__proto__"]', '{"polluted":true}')),
  "a change of a prototype": withJournal(patch('["prototype"]', '{"polluted":true}')),
  "a change to constructor.prototype": withJournal(patch('["constructor","prototype","polluted"]')),
  "a value with __proto__": withJournal(patch('["a"]', '{"__proto__":{"polluted":true}}')),
  "a whole state with __proto__": withJournal(patch("[]", '{"__proto__":{"polluted":true}}', "replace")),
  "an index beyond the list": withJournal(patch('["messages",1000000000]')),
  "a negative index": withJournal(patch('["messages",-1]')),
  "an index that is no whole number": withJournal(patch('["messages",0.5]')),
  "a change nested 100,000 deep": withJournal(patch('["a"]', nested(100_000))),
  "a path of 100,000 steps": withJournal(patch(`[${'"a",'.repeat(100_000)}"a"]`)),
  "a record of the last revision there is": withJournal(`"rev":${Number.MAX_SAFE_INTEGER},"from":6,"at":1,"token":"x"`),
  "a record at no time": withJournal('"rev":6,"at":1e300,"token":"x"'),
  "an operation that is an escape sequence": withJournal(patch('["a"]', '"x"', CONTROL)),
  "a record that is not there": withJournal('"rev":6,"at":1,"patches":[null]'),
  "a token that counts backwards": withJournal('"rev":6,"at":1,"token":"x","last":"x","count":-100'),
  "a journal of NUL bytes": async (id, { stateDir }) => {
    await writeFile(join(stateDir, `${id}.json`), sealedSnapshot(id, MESSAGES));
    await writeFile(join(stateDir, `${id}.journal`), Buffer.alloc(4096));
  },
  "a backup that is no gzip": withBackup(".gz", () => "not gzip"),
  "a backup that is no brotli": withBackup(".br", () => Buffer.alloc(100, 0xff)),
  "a backup that is no zstd": withBackup(".zst", () => Buffer.alloc(100, 0xff)),
  "a backup with an escape sequence for a tag": withBackup("", (id) =>
    sealedSnapshot(id, MESSAGES, `,\n    "backup": {"reason": "manual", "tag": "${CONTROL}"}`),
  ),
};

/** Sound in themselves: to be read, and printed without harm. */
export const SOUND: Readonly<Record<string, Plant>> = {
  "escape sequences everywhere": snapshot((id) =>
    sealedSnapshot(
      id,
      `  "messages": [{"id": "1", "role": "${CONTROL}", "content": "${CONTROL}", "status": "${CONTROL}", "model": "${CONTROL}", "createdAt": "${CONTROL}"}, {"id": "2", "role": "user", "content": "${CONTROL}"}],\n`,
      `,\n    "title": "${CONTROL}",\n    "model": "${CONTROL}",\n    "own${CONTROL}": "${CONTROL}"`,
    ),
  ),
  "lone surrogates": snapshot((id) =>
    sealedSnapshot(id, '  "messages": [{"id": "1", "role": "user", "content": "\\ud83d \\ude00"}],\n'),
  ),
  "keys of prototypes": snapshot((id) =>
    sealedSnapshot(
      id,
      '  "messages": [],\n  "constructor": {"prototype": {"polluted": true}},\n  "toString": "x",\n  "hasOwnProperty": false,\n',
    ),
  ),
  "messages that are no messages": snapshot((id) =>
    sealedSnapshot(
      id,
      '  "messages": [null, 1, "x", [], {}, {"role": {}, "content": {}}, {"role": "assistant", "content": [{"text": 1}], "usage": [], "toolCalls": {}}],\n  "streamingProperties": [],\n',
    ),
  ),
};

async function sparse(path: string): Promise<void> {
  const file = await open(path, "w");
  await file.truncate(BEYOND_THE_LIMIT);
  await file.close();
}

/** What is no file to read at all, at a path. */
export const THINGS: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
  "a file beyond the size limit": sparse,
  "a directory": (path) => mkdir(path),
  ...(platform() === "win32"
    ? {}
    : {
        "a FIFO": (path) => promisify(execFile)("mkfifo", [path]),
        "a link to a device": (path) => symlink("/dev/zero", path),
        "a link to itself": (path) => symlink(path, path),
        "a link to a healthy snapshot": (path) => symlink(`${GOOD}.json`, path),
      }),
};

/** In the places of each kind of file; a snapshot that can be read stands beside a journal or a backup that cannot. */
export const PLACES: Readonly<Record<string, (id: string, directories: Directories) => Promise<string>>> = {
  snapshot: async (id, { stateDir }) => join(stateDir, `${id}.json`),
  journal: async (id, { stateDir }) => {
    await writeFile(join(stateDir, `${id}.json`), sealedSnapshot(id, MESSAGES));
    return join(stateDir, `${id}.journal`);
  },
  backup: async (id, { stateDir, backupDir }) => {
    await writeFile(join(stateDir, `${id}.json`), sealedSnapshot(id, MESSAGES));
    return join(backupDir, `${id}_${TIMESTAMP}.json`);
  },
};

/** Names that are nobody's; a list of them says nothing of any. */
export function oddNames(): (string | Buffer)[] {
  const odd = [
    "new\nline.json",
    "\u001b[2J.json",
    "..json",
    "...json",
    "-rf.json",
    "__proto__.json",
    "con.json",
    "nul.journal",
    `${"x".repeat(250)}.json`,
    "a b.json",
    "é.json",
    "good.json.bak",
    "\u202egood.json",
    "a/b.json".replace("/", "\u2215"),
  ];
  return platform() === "linux" ? [...odd, Buffer.from([0xff, 0xfe, 0x2e, 0x6a, 0x73, 0x6f, 0x6e])] : odd;
}
