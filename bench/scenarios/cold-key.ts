// The first request of an API key that the gateway has never seen: it is looked up in PostgreSQL and gets its first lease there,
// before the provider is asked. One at a time; every key is used once.
import { runClient } from '../generators.ts';
import { writeRequests } from '../requests.ts';
import { medianOf, toMs } from '../results.ts';
import { type Bench, measureRounds } from '../window.ts';

const NAMES = ['direct', 'tollgate', 'withoutSettlement'] as const;
/** A window that is void has used its keys up. */
const SPARE_WINDOWS = 2;

export interface ColdKey {
  readonly addedP50Ms: number;
  readonly addedP99Ms: number;
}

export async function coldKey(bench: Bench): Promise<{ settled: ColdKey; withoutSettlement: ColdKey }> {
  const count = bench.quick ? 2 : 5;
  const taken = { direct: 0, nginx: 0, nodeFloor: 0, tollgate: 0, withoutSettlement: 0 };
  const rounds = await measureRounds(bench, count, NAMES, ({ name, port, coldCredentials }) => {
    const share = Math.floor(coldCredentials.length / (count + SPARE_WINDOWS));
    const credentials = coldCredentials.slice(taken[name], taken[name] + share);
    taken[name] += share;
    const requestsFile = writeRequests(bench.rig.folder, `${name}-cold`, 'plain', credentials);
    return runClient(bench.rig.programs.client, { port, requestsFile }, { mode: 'turns', seconds: 0 });
  });
  const added = (name: 'tollgate' | 'withoutSettlement'): ColdKey => ({
    addedP50Ms: toMs(medianOf(rounds, (round) => round[name].p50Micros - round.direct.p50Micros)),
    addedP99Ms: toMs(medianOf(rounds, (round) => round[name].p99Micros - round.direct.p99Micros)),
  });
  return { settled: added('tollgate'), withoutSettlement: added('withoutSettlement') };
}
