// The figures of a bench under the names that they have in bench/out/latest.json, the bars that they are held against. Pure.
import { atLeast, atMost, type Line, printed } from './table.ts';

/** The price of settling shows in the difference between the two sets of these. */
export interface SpeedFigures {
  readonly tollgate: { readonly cpuMicros: number };
  readonly postgresCpuMicros: number;
  readonly cpuRatio: number;
  readonly cpuRatioWithPostgres: number;
  readonly requestsPerSecondPerCore: number;
  readonly addedP50Ms: number;
  readonly addedP99Ms: number;
  readonly firstByteAddedMs: number;
  readonly streamEventsPerSecondPerCore: number;
  readonly body30k: {
    readonly cpuMicros: number;
    readonly cpuRatio: number;
    readonly requestsPerSecondPerCore: number;
  };
  readonly coldKey: { readonly addedP50Ms: number; readonly addedP99Ms: number };
}

export interface Figures extends Omit<SpeedFigures, 'body30k'> {
  readonly box: Readonly<Record<string, string | number>>;
  readonly nginx: { readonly cpuMicros: number };
  /** Node's server and our client, and no step between them. */
  readonly nodeFloor: { readonly cpuMicros: number };
  /** With bodies of 500 bytes. */
  readonly bytesPerOpenStream: number;
  readonly body30k: SpeedFigures['body30k'] & { readonly bytesPerOpenStream: number };
  readonly differenceNano: number;
  readonly withoutSettlement: SpeedFigures;
}

export function tableOf(figures: Figures): string {
  return printed(linesOf(figures), 'without settlement');
}

function linesOf(figures: Figures): Line[] {
  const { withoutSettlement: bare, body30k, coldKey } = figures;
  const line = (name: string, value: number, without: number | null, bar: Line['bar'] = null): Line => ({
    name,
    value,
    beside: without,
    bar,
  });
  const { cpuRatio, addedP50Ms, firstByteAddedMs, streamEventsPerSecondPerCore: events } = figures;
  return [
    line('nginx.cpuMicros', figures.nginx.cpuMicros, null),
    line('nodeFloor.cpuMicros', figures.nodeFloor.cpuMicros, null),
    line('tollgate.cpuMicros', figures.tollgate.cpuMicros, bare.tollgate.cpuMicros),
    line('postgresCpuMicros', figures.postgresCpuMicros, bare.postgresCpuMicros),
    line('cpuRatio', cpuRatio, bare.cpuRatio, atMost(cpuRatio, 4.0, ', goal 3.3')),
    line('cpuRatioWithPostgres', figures.cpuRatioWithPostgres, bare.cpuRatioWithPostgres),
    line('requestsPerSecondPerCore', figures.requestsPerSecondPerCore, bare.requestsPerSecondPerCore),
    line('addedP50Ms', addedP50Ms, bare.addedP50Ms, atMost(addedP50Ms, 1.5)),
    line('addedP99Ms', figures.addedP99Ms, bare.addedP99Ms),
    line('firstByteAddedMs', firstByteAddedMs, bare.firstByteAddedMs, atMost(firstByteAddedMs, 0.3)),
    line('streamEventsPerSecondPerCore', events, bare.streamEventsPerSecondPerCore, atLeast(events, 100_000)),
    line('bytesPerOpenStream', figures.bytesPerOpenStream, null, atMost(figures.bytesPerOpenStream, 65_536)),
    line('body30k.cpuMicros', body30k.cpuMicros, bare.body30k.cpuMicros),
    line('body30k.cpuRatio', body30k.cpuRatio, bare.body30k.cpuRatio),
    line('body30k.requestsPerSecondPerCore', body30k.requestsPerSecondPerCore, bare.body30k.requestsPerSecondPerCore),
    line('body30k.bytesPerOpenStream', body30k.bytesPerOpenStream, null, atMost(body30k.bytesPerOpenStream, 65_536)),
    line('coldKey.addedP50Ms', coldKey.addedP50Ms, bare.coldKey.addedP50Ms),
    line('coldKey.addedP99Ms', coldKey.addedP99Ms, bare.coldKey.addedP99Ms),
    line('differenceNano', figures.differenceNano, null, atMost(figures.differenceNano, 0)),
  ];
}
