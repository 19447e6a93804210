// Events that one core relays in a second: 64 streams at a time, 50 events of 270 bytes each as fast as the provider sends them,
// every one in a write of its own; counted where they arrive. Not of nginx, which passes them on faster than a generator of one core
// can make and count them.
import { runClient } from '../generators.ts';
import { medianOf, rounded } from '../results.ts';
import type { Subject } from '../rig.ts';
import { type Bench, measureRounds } from '../window.ts';

const NAMES = ['tollgate', 'withoutSettlement'] as const;

const WARM_SECONDS = 3;

export interface StreamEvents {
  readonly settled: number;
  readonly withoutSettlement: number;
}

export async function streamEvents(bench: Bench): Promise<StreamEvents> {
  const load =
    (seconds: number) =>
    ({ streamPort, requestsFile }: Subject) =>
      runClient(
        bench.rig.programs.client,
        { port: streamPort, requestsFile: requestsFile('stream') },
        { mode: 'closed', connections: 64, seconds },
      );
  const rounds = await measureRounds(bench, bench.quick ? 3 : 5, NAMES, load(bench.quick ? 1 : 3), load(WARM_SECONDS));
  const perSecond = (name: (typeof NAMES)[number]) =>
    rounded(
      medianOf(rounds, (round) => round[name].events / round[name].seconds),
      0,
    );
  return {
    settled: perSecond('tollgate'),
    withoutSettlement: perSecond('withoutSettlement'),
  };
}
