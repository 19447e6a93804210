// CPU per request at saturation: 64 connections, the subject on a core of its own, against nginx in the same rounds.
import { runClient } from '../generators.ts';
import { medianOf, type Round, rounded } from '../results.ts';
import type { Subject } from '../rig.ts';
import { type Bench, measureRounds } from '../window.ts';

const CONNECTIONS = 64;
/** A lease is sized by what its key spent in the seconds before. */
const WARM_SECONDS = 3;
const NAMES = ['nginx', 'nodeFloor', 'tollgate', 'withoutSettlement'] as const;
type Name = (typeof NAMES)[number];

export interface CpuFigures {
  readonly nginxCpuMicros: number;
  readonly cpuMicros: number;
  readonly postgresCpuMicros: number;
  readonly cpuRatio: number;
  readonly cpuRatioWithPostgres: number;
  readonly requestsPerSecondPerCore: number;
}

export interface CpuPerRequest {
  readonly nodeFloorCpuMicros: number;
  readonly settled: CpuFigures;
  readonly withoutSettlement: CpuFigures;
}

export async function cpuPerRequest(bench: Bench, kind: 'plain' | 'plain30k'): Promise<CpuPerRequest> {
  const seconds = bench.quick ? 1 : 3;
  const count = bench.quick ? 3 : 7;
  const load =
    (forSeconds: number) =>
    ({ port, requestsFile }: Subject) =>
      runClient(
        bench.rig.programs.client,
        { port, requestsFile: requestsFile(kind) },
        { mode: 'closed', connections: CONNECTIONS, seconds: forSeconds },
      );
  const rounds = await measureRounds(bench, count, NAMES, load(seconds), load(WARM_SECONDS));
  return {
    nodeFloorCpuMicros: rounded(
      medianOf(rounds, ({ nodeFloor }) => nodeFloor.cpuMicros),
      1,
    ),
    settled: figuresOf(rounds, 'tollgate'),
    withoutSettlement: figuresOf(rounds, 'withoutSettlement'),
  };
}

/** Ratios are taken within each round: the machine is not as fast in all of them. */
function figuresOf(rounds: readonly Round<Name>[], name: 'tollgate' | 'withoutSettlement'): CpuFigures {
  const figure = (of: (round: Round<Name>) => number, digits: number) => rounded(medianOf(rounds, of), digits);
  return {
    nginxCpuMicros: figure((round) => round.nginx.cpuMicros, 1),
    cpuMicros: figure((round) => round[name].cpuMicros, 1),
    postgresCpuMicros: figure((round) => round[name].postgresCpuMicros, 1),
    cpuRatio: figure((round) => round[name].cpuMicros / round.nginx.cpuMicros, 2),
    cpuRatioWithPostgres: figure(
      (round) => (round[name].cpuMicros + round[name].postgresCpuMicros) / round.nginx.cpuMicros,
      2,
    ),
    requestsPerSecondPerCore: figure((round) => round[name].completed / round[name].seconds, 0),
  };
}
