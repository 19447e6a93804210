// Memory of a stream that is open and has had its first event: growth of the gateway's resident memory from 0 to 2,000 of them,
// after one warm-up of that size.
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { holdStreams } from '../generators.ts';
import { residentBytesOf, untilQuiet } from '../machine.ts';
import type { Subject } from '../rig.ts';
import type { Bench } from '../window.ts';

const STREAMS = 2_000;
const LOOK_MS = 50;

export async function bytesPerOpenStream(bench: Bench, kind: 'held' | 'held30k'): Promise<number> {
  const { tollgate } = bench.rig.subjects;
  await growthWhileOpen(bench, tollgate, kind);
  return Math.round((await growthWhileOpen(bench, tollgate, kind)) / STREAMS);
}

async function growthWhileOpen({ rig }: Bench, subject: Subject, kind: 'held' | 'held30k'): Promise<number> {
  await untilQuiet(subject.pid);
  const before = residentBytesOf(subject.pid);
  const load = { port: subject.streamPort, requestsFile: subject.requestsFile(kind) };
  const streams = await holdStreams(rig.programs.client, load, STREAMS);
  await untilQuiet(subject.pid);
  const growth = residentBytesOf(subject.pid) - before;
  await askUpstream(subject, 'release');
  const { completed, failed, firstFailure } = await streams.ended;
  if (failed > 0)
    throw new Error(`${failed} of ${completed + failed} held streams failed, the first with ${firstFailure}`);
  while ((await heldAt(subject)) > 0) await wait(LOOK_MS);
  return growth;
}

const Counters = z.object({ held: z.int() });

async function heldAt(subject: Subject): Promise<number> {
  return Counters.parse(await askUpstream(subject, 'counters')).held;
}

async function askUpstream({ upstreamPort }: Subject, what: 'release' | 'counters'): Promise<unknown> {
  const answer = await fetch(`http://127.0.0.1:${upstreamPort}/bench/${what}`, { method: 'POST' });
  return await answer.json();
}
