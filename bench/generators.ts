// Runs the program that makes the load (D124), and reads the one line of JSON in which it says what happened.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { z } from 'zod';

const Outcome = z.object({
  completed: z.int(),
  failed: z.int(),
  /** Status of the first failed answer; 0: no proper answer; -1: none failed, or it is not known. */
  firstFailure: z.int().default(-1),
  seconds: z.number(),
  events: z.int().default(0),
  firstByteP50Micros: z.number().default(0),
  p50Micros: z.number().default(0),
  p99Micros: z.number().default(0),
});
/** Latencies count from the moment at which a request was due. */
export type Outcome = z.output<typeof Outcome>;

export interface Load {
  readonly port: number;
  readonly requestsFile: string;
}

export type ClientMode =
  | { readonly mode: 'rate'; connections: number; perSecond: number; seconds: number; warmupSeconds: number }
  | { readonly mode: 'closed'; connections: number; seconds: number }
  /** 0 seconds: every request of the file once. */
  | { readonly mode: 'turns'; seconds: number };

const LONGEST_STEADY_SECONDS = 7_200;

export async function runClient(program: string, { port, requestsFile }: Load, how: ClientMode): Promise<Outcome> {
  const { stdout } = await promisify(execFile)(program, [String(port), requestsFile, ...argumentsOf(how)]);
  return Outcome.parse(JSON.parse(lastLine(stdout)));
}

export interface SteadyLoad {
  /** What was asked is answered first. */
  end(): Promise<Outcome>;
}

/** At a fixed rate until it is told to end. */
export function steadyLoad(
  program: string,
  { port, requestsFile }: Load,
  how: { readonly connections: number; readonly perSecond: number },
): SteadyLoad {
  const seconds = LONGEST_STEADY_SECONDS;
  const given = [String(port), requestsFile, ...argumentsOf({ mode: 'rate', ...how, seconds, warmupSeconds: 0 })];
  const run = promisify(execFile)(program, given);
  run.catch(() => {}); // whoever ends it hears of it
  return {
    async end() {
      run.child.kill('SIGTERM');
      return Outcome.parse(JSON.parse(lastLine((await run).stdout)));
    },
  };
}

function argumentsOf(how: ClientMode): string[] {
  switch (how.mode) {
    case 'rate':
      return [how.mode, ...[how.connections, how.perSecond, how.seconds, how.warmupSeconds].map(String)];
    case 'closed':
      return [how.mode, ...[how.connections, how.seconds].map(String)];
    case 'turns':
      return [how.mode, String(how.seconds)];
  }
}

export interface HeldStreams {
  /** Resolves when the provider has ended them all. */
  readonly ended: Promise<Outcome>;
}

/** Resolves when every stream has had an event. */
export async function holdStreams(program: string, load: Load, streams: number): Promise<HeldStreams> {
  const client = spawn(program, [String(load.port), load.requestsFile, 'hold', String(streams)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = once(client, 'exit').then(([code]) => {
    throw new Error(`the client of held streams ended with exit ${code} before its streams`);
  });
  gone.catch(() => {}); // it ends in order, after its last line
  const lines = createInterface(client.stdout)[Symbol.asyncIterator]();
  const nextLine = async () => (await lines.next()).value ?? '';
  const first = await Promise.race([nextLine(), gone]);
  if (first !== 'held') throw new Error(`the streams could not be held: ${first}`);
  return { ended: nextLine().then((line) => Outcome.parse(JSON.parse(line))) };
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}
