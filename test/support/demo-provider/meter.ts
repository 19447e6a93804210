// What the demo provider counts, and the truth that the oracle judges us by. Cumulative usage stands in meter.jsonl BEFORE the
// bytes that carry it are sent, so a client never holds more than the meter says, also when this process is killed with -9
// (the page cache outlives a process, so a plain write is enough). Memory holds only the calls that are still open.
import { closeSync, existsSync, ftruncateSync, mkdirSync, openSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type MeteredUsage, type MeterLine, readLine, storedLines } from './meter-file.ts';

// Output is metered this far ahead, so that a stream of single tokens does not cost a write each.
const TOKENS_AHEAD = 16;

export type OutputMeter = 'output' | 'reasoning';

export async function openMeter(dataDir: string): Promise<Meter> {
  mkdirSync(dataDir, { recursive: true });
  const path = join(dataDir, 'meter.jsonl');
  const left = existsSync(path) ? await readBack(path) : { sizeBytes: 0, open: [] };
  const file = openSync(path, 'a');
  ftruncateSync(file, left.sizeBytes);
  const meter = new Meter(path, file, left.sizeBytes);
  for (const line of left.open) meter.append({ ...line, at: Date.now(), ended: true });
  return meter;
}

async function readBack(path: string): Promise<{ sizeBytes: number; open: Iterable<MeterLine> }> {
  const open = new Map<number, MeterLine>();
  let sizeBytes = 0;
  for await (const { text, end } of storedLines(path, 0, statSync(path).size)) {
    const line = readLine(text);
    if (line.ended) open.delete(line.call);
    else open.set(line.call, line);
    sizeBytes = end;
  }
  return { sizeBytes, open: open.values() };
}

export class Meter {
  readonly path: string;
  readonly #file: number;
  #sizeBytes: number;
  #lastCall = 0;
  readonly #open = new Map<number, MeterLine>();
  readonly #arrivals = new Set<Arrival>();

  constructor(path: string, file: number, sizeBytes: number) {
    this.path = path;
    this.#file = file;
    this.#sizeBytes = sizeBytes;
  }

  /** From here on the request may still become a metered one: the export says so, until it has left. */
  arrive(): Arrival {
    const arrival = { at: Date.now() };
    this.#arrivals.add(arrival);
    return arrival;
  }

  leave(arrival: Arrival): void {
    this.#arrivals.delete(arrival);
  }

  start(attemptId: string, modelId: string, planned: MeteredUsage): MeteredCall {
    return new MeteredCall(this, ++this.#lastCall, attemptId, modelId, planned);
  }

  append(line: MeterLine): void {
    const text = `${JSON.stringify(line)}\n`;
    const written = writeSync(this.#file, text);
    if (written !== text.length)
      throw new Error(`meter.jsonl took ${written} of ${text.length} bytes: is the disk full?`);
    this.#sizeBytes += written;
    if (line.ended) this.#open.delete(line.call);
    else this.#open.set(line.call, line);
  }

  /** One moment of the meter: how far the file reaches, what is open, and since when anything has been under way. */
  now(): MeterMoment {
    const [oldest] = this.#arrivals;
    return {
      at: Date.now(),
      sizeBytes: this.#sizeBytes,
      open: [...this.#open.values()],
      oldestOpenAt: oldest?.at ?? null,
    };
  }

  close(): void {
    closeSync(this.#file);
  }
}

export interface Arrival {
  readonly at: number;
}

export interface MeterMoment {
  readonly at: number;
  readonly sizeBytes: number;
  readonly open: readonly MeterLine[];
  readonly oldestOpenAt: number | null;
}

/** One answer that is being generated. end() must follow, however it goes. */
export class MeteredCall {
  readonly #meter: Meter;
  readonly #call: number;
  readonly #attemptId: string;
  readonly #modelId: string;
  readonly #planned: MeteredUsage;
  #output = 0;
  #reasoning = 0;
  #metered: MeteredUsage;

  constructor(meter: Meter, call: number, attemptId: string, modelId: string, planned: MeteredUsage) {
    this.#meter = meter;
    this.#call = call;
    this.#attemptId = attemptId;
    this.#modelId = modelId;
    this.#planned = planned;
    this.#metered = this.usage();
    this.#append(this.#metered, false);
  }

  /** What was generated so far; the file says at least this. */
  usage(): MeteredUsage {
    return { ...this.#planned, output: this.#output, reasoning: this.#reasoning };
  }

  /** To be called before the bytes of these tokens are sent. */
  generate(meter: OutputMeter, outputTokens: number): void {
    if (meter === 'output') this.#output += outputTokens;
    else this.#reasoning += outputTokens;
    const generated = this.usage()[meter];
    if (generated <= this.#metered[meter]) return;
    this.#append({ ...this.#metered, [meter]: Math.min(generated + TOKENS_AHEAD, this.#planned[meter]) }, false);
  }

  /** To be called before the answer states its usage or its end: killed after that, the meter agrees to the token. */
  settle(): void {
    const usage = this.usage();
    const agrees = usage.output === this.#metered.output && usage.reasoning === this.#metered.reasoning;
    if (!agrees) this.#append(usage, false);
  }

  /** The whole output at once, for an answer that leaves in one piece. */
  complete(): void {
    this.#output = this.#planned.output;
    this.#reasoning = this.#planned.reasoning;
    this.settle();
  }

  end(): void {
    this.#append(this.usage(), true);
  }

  #append(usage: MeteredUsage, ended: boolean): void {
    this.#metered = usage;
    this.#meter.append({
      call: this.#call,
      attemptId: this.#attemptId,
      model: this.#modelId,
      usage,
      at: Date.now(),
      ended,
    });
  }
}
