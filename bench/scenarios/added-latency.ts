// What a request takes longer than straight to the provider, at 1,000 requests a second that nobody slows down (open loop).
import { runClient } from '../generators.ts';
import { medianOf, toMs } from '../results.ts';
import { type Bench, measureRounds } from '../window.ts';

const NAMES = ['direct', 'tollgate', 'withoutSettlement'] as const;

export interface AddedLatency {
  readonly addedP50Ms: number;
  readonly addedP99Ms: number;
}

export async function addedLatency(bench: Bench): Promise<{ settled: AddedLatency; withoutSettlement: AddedLatency }> {
  const rounds = await measureRounds(bench, bench.quick ? 3 : 5, NAMES, ({ port, requestsFile }) =>
    runClient(
      bench.rig.programs.client,
      { port, requestsFile: requestsFile('plain') },
      // In the warm-up every one of the 256 keys gets a lease for what it spends.
      { mode: 'rate', connections: 64, perSecond: 1_000, seconds: bench.quick ? 2 : 5, warmupSeconds: 4 },
    ),
  );
  const added = (name: 'tollgate' | 'withoutSettlement'): AddedLatency => ({
    addedP50Ms: toMs(medianOf(rounds, (round) => round[name].p50Micros - round.direct.p50Micros)),
    addedP99Ms: toMs(medianOf(rounds, (round) => round[name].p99Micros - round.direct.p99Micros)),
  });
  return { settled: added('tollgate'), withoutSettlement: added('withoutSettlement') };
}
