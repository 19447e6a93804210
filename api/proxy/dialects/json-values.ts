// Reads values out of somebody else's JSON: typed by looking at them, and null where the text is broken.

export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isJsonArray(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

/** The value of a part of text that was decoded latin1; its strings come out as UTF-8. null where it has no end (-1). */
export function parsePart(text: string, start: number, end: number): unknown {
  return end < start ? null : parseJson(Buffer.from(text.slice(start, end), 'latin1').toString());
}

/** The same where only numbers matter, such as in a usage that comes with every chunk. */
export function parsePlainPart(text: string, start: number, end: number): unknown {
  return end < start ? null : parseJson(text.slice(start, end));
}

/** null for broken JSON, as for null: nobody who asks needs to tell them apart. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
