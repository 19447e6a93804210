// One window: load on one subject, with the CPU that it took to the last drained settlement, and the rule for those that do not
// count. Windows of a round follow each other directly, so that whatever else the machine does hits all of them alike.
import type { Outcome } from './generators.ts';
import { busyShare, coreTime, cpuSecondsOf, GENERATOR_CORE, untilQuiet } from './machine.ts';
import { type Round, type Window, whyVoid } from './results.ts';
import type { Rig, Subject, SubjectName } from './rig.ts';

// Where nginx gives an answer as cheaply as the generator asks for it, one window in two is void for the generator's core. The next
// one starts at once, so that those of a round stay side by side in whatever speed the machine has just then.
const MOST_TRIES = 40;

export interface Bench {
  readonly rig: Rig;
  readonly quick: boolean;
  /** Windows that did not count and were repeated. */
  voidWindows: number;
  say(text: string): void;
}

export async function measure({ rig }: Bench, subject: Subject, load: () => Promise<Outcome>): Promise<Window> {
  const coreBefore = coreTime(GENERATOR_CORE);
  const cpuBefore = cpuSecondsOf(subject.pid);
  const postgresBefore = cpuSecondsOf(rig.postgresPid);
  const outcome = await load();
  const coreAfter = coreTime(GENERATOR_CORE);
  await untilQuiet(subject.pid);
  const microsEach = (seconds: number) => (seconds * 1e6) / Math.max(outcome.completed, 1);
  return {
    ...outcome,
    cpuMicros: microsEach(cpuSecondsOf(subject.pid) - cpuBefore),
    postgresCpuMicros: microsEach(cpuSecondsOf(rig.postgresPid) - postgresBefore),
    generatorBusy: busyShare(coreBefore, coreAfter),
  };
}

/**
 * Each round measures every subject once; a void window is repeated at once. `warm` runs before each window of a gateway and does
 * not count: leases that rested for the other subjects' windows have gone back (a cold key has a figure of its own).
 */
export async function measureRounds<Name extends SubjectName>(
  bench: Bench,
  count: number,
  names: readonly Name[],
  load: (subject: Subject) => Promise<Outcome>,
  warm: (subject: Subject) => Promise<unknown> = async () => {},
): Promise<Round<Name>[]> {
  const rounds: Round<Name>[] = [];
  for (let round = 0; round < count; round += 1) {
    const windows: Partial<Record<Name, Window>> = {};
    for (const name of names) {
      const subject = bench.rig.subjects[name];
      windows[name] = await validWindow(bench, subject, load, isGateway(name) ? warm : null);
    }
    rounds.push(windows as Round<Name>);
  }
  return rounds;
}

function isGateway(name: SubjectName): boolean {
  return name === 'tollgate' || name === 'withoutSettlement';
}

async function validWindow(
  bench: Bench,
  subject: Subject,
  load: (subject: Subject) => Promise<Outcome>,
  warm: ((subject: Subject) => Promise<unknown>) | null,
): Promise<Window> {
  for (let tries = 1; ; tries += 1) {
    await warm?.(subject);
    const window = await measure(bench, subject, () => load(subject));
    const reason = whyVoid(window);
    if (reason === null) return window;
    bench.voidWindows += 1;
    bench.say(`void window of ${subject.name}: ${reason}`);
    if (tries === MOST_TRIES) throw new Error(`${MOST_TRIES} windows of ${subject.name} in a row are void: ${reason}`);
  }
}
