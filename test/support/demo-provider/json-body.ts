// A request body is whatever a client sent: these readers turn the unknown into something with a type, or into nothing.

export type JsonObject = Readonly<Record<string, unknown>>;

export function objectOf(value: unknown): JsonObject | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** The JSON text of a member of the outermost object, as it was sent; empty when there is none. */
export function memberText(json: string, name: string): string {
  let depth = 0;
  let valueFrom = -1;
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (character === '"') {
      const end = stringEnd(json, at);
      if (depth === 1 && valueFrom === -1 && json.slice(at, end) === JSON.stringify(name))
        valueFrom = valueStart(json, end);
      at = end - 1;
    } else if (character === '{' || character === '[') depth++;
    else if (character === '}' || character === ']') depth--;
    const valueEnded = valueFrom !== -1 && at >= valueFrom && depth === 1;
    if (valueEnded && (character === '}' || character === ']')) return json.slice(valueFrom, at + 1);
  }
  return '';
}

function stringEnd(json: string, from: number): number {
  for (let at = from + 1; at < json.length; at++) {
    if (json[at] === '\\') at++;
    else if (json[at] === '"') return at + 1;
  }
  return json.length;
}

/** -1 when the string was a value and not the name of a member. */
function valueStart(json: string, from: number): number {
  const colon = /^\s*:\s*/.exec(json.slice(from, from + 100));
  return colon === null ? -1 : from + colon[0].length;
}
