// Which fault happens to a request. It can be asked for in the header x-demo-fault, behind the first ~ of the upstream key, as
// [[demo:...]] in the prompt (so that a test can drive it through a gateway), or set for a key prefix while we run.
// Where two name the same effect, the later of this list wins: key prefix, key, header, prompt.
import { drawShare } from './chance.ts';
import { type Fault, type FaultSpec, NO_FAULT, parseFault } from './fault-grammar.ts';

export interface FaultSources {
  readonly attemptId: string;
  readonly apiKey: string;
  readonly header: string | undefined;
  readonly bodyText: string;
}

/** Throws RangeError when a spec says something that is not a fault. */
export function faultOf(sources: FaultSources, keyFaults: KeyFaults): Fault {
  const { attemptId, apiKey, header, bodyText } = sources;
  const mark = apiKey.indexOf('~');
  const specs = [
    keyFaults.specFor(apiKey),
    mark === -1 ? null : apiKey.slice(mark + 1),
    header ?? null,
    ...inPrompt(bodyText),
  ];
  let fault = NO_FAULT;
  for (const spec of specs) {
    if (spec === null) continue;
    const read = parseFault(spec);
    if (applies(read, spec, attemptId)) fault = { ...fault, ...read.effect };
  }
  return fault;
}

function* inPrompt(bodyText: string): Generator<string> {
  if (!bodyText.includes('[[demo:')) return;
  for (const [, spec] of bodyText.matchAll(/\[\[demo:([^\]"\\]*)\]\]/g)) if (spec !== undefined) yield spec;
}

function applies(read: FaultSpec, spec: string, attemptId: string): boolean {
  if (read.firstOnly && attemptNumber(attemptId) !== 1) return false;
  return read.probability === 1 || drawShare(attemptId, spec) < read.probability;
}

/** The n of `<requestId>.<n>`; a caller without attempt ids always makes its first. */
function attemptNumber(attemptId: string): number {
  return Number(/\.(\d+)$/.exec(attemptId)?.[1] ?? 1);
}

/** Faults that were set for all keys with a prefix. They live as long as this process. */
export class KeyFaults {
  readonly #specs = new Map<string, string>();

  set(keyPrefix: string, spec: string | null): void {
    if (spec === null) {
      this.#specs.delete(keyPrefix);
      return;
    }
    parseFault(spec);
    this.#specs.set(keyPrefix, spec);
  }

  /** The spec of the longest prefix that fits. */
  specFor(apiKey: string): string | null {
    const fitting = [...this.#specs.keys()].filter((prefix) => apiKey.startsWith(prefix));
    const [longest] = fitting.sort((one, other) => other.length - one.length);
    return longest === undefined ? null : (this.#specs.get(longest) ?? null);
  }
}
