/** ZIP archives that a person names: streamed, and bounded before anything is unpacked. */
import { deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { isZip, zipEntries, type RandomAccess } from "../../src/storage/zip-file.js";
import { zipOf } from "../doubles/zip.js";

function access(bytes: Uint8Array): RandomAccess {
  return {
    size: bytes.length,
    read: (position, length) => Promise.resolve(bytes.subarray(position, position + length)),
  };
}

async function textOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces).toString("utf8");
}

describe("a ZIP archive", () => {
  test("gives its entries as streams, stored and compressed, as often as they are asked for", async () => {
    const zip = zipOf({ "chat.html": "<p>", "export/conversations.json": "[]".padEnd(100_000), "empty/": "" });
    expect(isZip(zip)).toBe(true);
    const entries = await zipEntries(access(zip));
    expect(entries.map(({ name, sizeBytes }) => [name, sizeBytes])).toEqual([
      ["chat.html", 3],
      ["export/conversations.json", 100_000],
    ]);
    for (let time = 0; time < 2; time += 1)
      expect(await Promise.all(entries.map(async (entry) => (await textOf(entry.open())).trim()))).toEqual([
        "<p>",
        "[]",
      ]);
  });

  test("that is damaged, or cut short, is refused", async () => {
    const zip = zipOf({ "a.json": "words ".repeat(1000) });
    await expect(zipEntries(access(zip.subarray(0, -30)))).rejects.toMatchObject({ code: "CORRUPT" });
    const broken = Buffer.from(zip);
    broken.fill(0xff, 40, 50);
    const [entry] = await zipEntries(access(broken));
    await expect(textOf(entry?.open() ?? none())).rejects.toMatchObject({ code: "CORRUPT" });
  });

  test("that would grow beyond all bounds is refused before it is unpacked", async () => {
    const small = deflateRawSync(Buffer.alloc(100_000));
    const bomb = zipOf({ "a.json": { compressed: small, size: 300 * 2 ** 20, crc: 0 } });
    const [entry] = await zipEntries(access(bomb));
    await expect(textOf(entry?.open() ?? none())).rejects.toThrow(/not unpacked/);
  });

  test("that lies about its size is cut off as soon as more comes", async () => {
    const compressed = deflateRawSync(Buffer.alloc(50 * 2 ** 20));
    const [entry] = await zipEntries(access(zipOf({ "a.json": { compressed, size: 1000, crc: 0 } })));
    let read = 0;
    const reading = (async () => {
      for await (const piece of entry?.open() ?? none()) read += piece.length;
    })();
    await expect(reading).rejects.toMatchObject({ code: "CORRUPT" });
    expect(read).toBeLessThan(2 ** 20);
  });
});

async function* none(): AsyncGenerator<Uint8Array> {
  // An archive without its entry fails the test by what it gives.
}
