// Parts as processes: they come back when they die, end when told with everything they started, and say why they do not start.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { occupy } from '../../scripts/parts/home.ts';
import { record, stopLeftovers } from '../../scripts/parts/leftovers.ts';
import { reserveDefaultPort } from '../../scripts/parts/ports.ts';
import { isAlive, leaderOf } from '../../scripts/parts/process-group.ts';
import { whyClosed } from '../../scripts/parts/readiness.ts';
import { SupervisedProcess } from '../../scripts/parts/supervised-process.ts';
import { eventually, listener, newScene, type Scene } from './scene.ts';

let scene: Scene;
let port: number;
let leave: () => void;
const parts: SupervisedProcess[] = [];

beforeEach(async () => {
  scene = newScene();
  const lock = occupy(scene.launch.home, 'start');
  const reserved = await reserveDefaultPort(22_000);
  port = reserved.number;
  leave = () => {
    lock?.leave();
    reserved.release();
  };
});
afterEach(async () => {
  for (const part of parts.splice(0)) await part.stop();
  leave();
  scene.remove();
});

async function start(part: string, program = ''): Promise<SupervisedProcess> {
  const started = await SupervisedProcess.start(listener(part, port, program), scene.launch);
  parts.push(started);
  return started;
}

function pidOf(part: string): number {
  return JSON.parse(readFileSync(join(scene.launch.home, 'run', `${part}.json`), 'utf8')).pid;
}

test('a part is up when it answers, and down when it was stopped', async () => {
  const part = await start('stall');
  expect(await whyClosed(port)).toBeNull();

  await part.stop();
  expect(await whyClosed(port)).toContain('ECONNREFUSED');
  expect(part.restarts).toBe(0);
});

test('a part that dies unasked is started again', async () => {
  const part = await start('stall');
  const first = pidOf('stall');

  process.kill(first, 'SIGKILL');
  await eventually('the part is back', () => scene.said.includes('stall ready again'));

  expect(pidOf('stall')).not.toBe(first);
  expect(part.restarts).toBe(1);
  expect(scene.said[0]).toMatch(/^stall died \(SIGKILL\); again in 0\.5 s/);
});

test('a part that is stopped while it waits to be started again stays down', async () => {
  const part = await start('stall');
  process.kill(pidOf('stall'), 'SIGKILL');
  await eventually('its death was noticed', () => scene.said.length > 0);

  await part.stop();

  expect(await whyClosed(port)).toContain('ECONNREFUSED');
  expect(await stopLeftovers(scene.launch.home)).toEqual([]);
});

test('a part that is deaf to SIGTERM ends all the same, with the children that it started', async () => {
  const childFile = join(scene.launch.home, 'child.pid');
  const deaf = `process.on('SIGTERM', () => undefined);`;
  const child = `const child = require('node:child_process').spawn(process.execPath, ['-e', "${deaf} setInterval(() => {}, 1000)"]);
    require('node:fs').writeFileSync(${JSON.stringify(childFile)}, String(child.pid));`;
  const part = await start('stall', deaf + child);
  const leader = leaderOf(pidOf('stall'));
  const orphan = leaderOf(Number(readFileSync(childFile, 'utf8')));
  expect([isAlive(leader), isAlive(orphan)]).toEqual([true, true]);

  await part.stop();

  expect([isAlive(leader), isAlive(orphan)]).toEqual([false, false]);
});

test('a part that ends before it is ready is reported with its last words', async () => {
  await expect(start('stall', `console.error('no toll today'); process.exit(3);`)).rejects.toThrow(
    /stall ended before it was ready \(exit 3\)\n {2}stall \| no toll today$/,
  );
});

test('a part whose program is not there is reported as such', async () => {
  const plan = { ...listener('stall', port), command: '/nowhere/stall' };
  await expect(SupervisedProcess.start(plan, scene.launch)).rejects.toThrow('stall cannot be started');
});

test('an interrupted start leaves no process', async () => {
  const neverReady = { ...listener('stall', port), missing: async () => 'patience' };
  const started = SupervisedProcess.start(neverReady, scene.launch);
  await eventually('the process runs', async () => (await whyClosed(port)) === null);
  const leader = leaderOf(pidOf('stall'));

  scene.interrupt();

  await expect(started).rejects.toThrow('abort');
  expect(isAlive(leader)).toBe(false); // its port may be another test's by now
});

test('a recorded pid that now belongs to another process is left alone', async () => {
  await start('stranger');
  const later = newScene();
  const lock = occupy(later.launch.home, 'start');
  record(later.launch.home, {
    part: 'stall',
    pid: pidOf('stranger'),
    startedAt: 'long ago',
    stopSignal: 'SIGKILL',
    graceMs: 0,
  });

  expect(await stopLeftovers(later.launch.home)).toEqual([]);

  expect(await whyClosed(port)).toBeNull();
  lock?.leave();
  later.remove();
});
