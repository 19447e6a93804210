// A worker runs workflows in a thread of Temporal's, which nobody can give bounds of its own: it must have those of the process.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { WORKER_ALLOCATOR, WORKER_V8_FLAGS } from '../../workers/worker-flags.ts';

const MIB = 1_048_576;
/** Of its main thread and of one that it starts: what V8 lets the heap of each grow to. */
const SAY_BOUNDS = `
  const bound = "require('node:v8').getHeapStatistics().heap_size_limit";
  const { Worker } = require('node:worker_threads');
  const thread = new Worker('require("node:worker_threads").parentPort.postMessage(' + bound + ')', { eval: true });
  thread.on('message', (ofThread) => console.log(JSON.stringify([eval(bound), ofThread])));
`;

test('the heaps of all threads of a worker are bounded alike, so that none waits for gigabytes before it collects', () => {
  const said = execFileSync(process.execPath, [...WORKER_V8_FLAGS, '-e', SAY_BOUNDS], { encoding: 'utf8' });

  const bounds: number[] = JSON.parse(said);
  expect(bounds.map((bytes) => bytes / MIB < 600)).toEqual([true, true]);
});

test('operators are told to start a worker as the launcher does', () => {
  const told = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');

  expect(told).toContain(`\`node ${WORKER_V8_FLAGS.join(' ')} workers/main.ts\``);
  expect(told).toContain(`\`MALLOC_ARENA_MAX=${WORKER_ALLOCATOR.MALLOC_ARENA_MAX}\``);
});
