// How much later the first byte of a stream comes than straight from the provider: one request at a time, its lease warm, its
// intent written. Settlement comes after it, so both gateways should say the same.
import { runClient } from '../generators.ts';
import { writeRequests } from '../requests.ts';
import { medianOf, toMs } from '../results.ts';
import { type Bench, measureRounds } from '../window.ts';

const NAMES = ['direct', 'tollgate', 'withoutSettlement'] as const;

export async function firstByteAdded(bench: Bench): Promise<{ settledMs: number; withoutSettlementMs: number }> {
  const how = { mode: 'turns', seconds: bench.quick ? 1 : 2 } as const;
  const rounds = await measureRounds(bench, bench.quick ? 3 : 7, NAMES, ({ name, streamPort, credentials }) => {
    const requestsFile = writeRequests(bench.rig.folder, `${name}-one-key`, 'stream', credentials.slice(0, 1));
    return runClient(bench.rig.programs.client, { port: streamPort, requestsFile }, how);
  });
  const added = (name: 'tollgate' | 'withoutSettlement') =>
    toMs(medianOf(rounds, (round) => round[name].firstByteP50Micros - round.direct.firstByteP50Micros));
  return { settledMs: added('tollgate'), withoutSettlementMs: added('withoutSettlement') };
}
