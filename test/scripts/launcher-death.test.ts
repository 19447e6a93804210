// Whatever happens to the launcher, its parts do not outlive it for long: its guardian ends them, or the next start does.
// The launcher here is a real process that starts two listeners with the launcher's own modules and is killed with -9.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { moveIn } from '../../scripts/parts/home.ts';
import { stopLeftovers } from '../../scripts/parts/leftovers.ts';
import { type GroupLeader, isAlive } from '../../scripts/parts/process-group.ts';
import { checkout, eventually, newScene, type Scene } from './scene.ts';

const PROGRAM = `
  import { postGuardian } from '${checkout}/scripts/parts/guardian.ts';
  import { moveIn } from '${checkout}/scripts/parts/home.ts';
  import { reserveDefaultPort } from '${checkout}/scripts/parts/ports.ts';
  import { SupervisedProcess } from '${checkout}/scripts/parts/supervised-process.ts';
  import { listener } from '${checkout}/test/scripts/scene.ts';
  const launch = { home: process.env.TOLLGATE_HOME, checkout: '${checkout}', say() {}, interrupted: new AbortController().signal };
  const lock = await moveIn(launch);
  if (process.env.WITH_GUARDIAN) postGuardian(launch);
  for (const part of ['road', 'gate']) {
    const port = await reserveDefaultPort(23_000);
    await SupervisedProcess.start(listener(part, port.number), launch);
  }
  process.stdout.write('up');
`;

let scene: Scene;
let launcher: ChildProcess;
beforeEach(() => {
  scene = newScene();
});
afterEach(async () => {
  launcher.kill('SIGKILL');
  const lock = await moveIn(scene.launch);
  await stopLeftovers(scene.launch.home);
  lock.leave();
  scene.remove();
});

async function startLauncher(guarded: 'with a guardian' | 'without a guardian'): Promise<GroupLeader[]> {
  launcher = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', PROGRAM],
    {
      env: {
        PATH: process.env.PATH,
        TOLLGATE_HOME: scene.launch.home,
        WITH_GUARDIAN: guarded === 'with a guardian' ? 'yes' : '',
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  if (launcher.stdout !== null) await once(launcher.stdout, 'data');
  const folder = join(scene.launch.home, 'run');
  return readdirSync(folder).map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as GroupLeader);
}

async function killLauncher(): Promise<void> {
  const gone = once(launcher, 'exit');
  launcher.kill('SIGKILL');
  await gone;
}

test('after kill -9 of the launcher its guardian stops the parts, and nobody had to start anything', async () => {
  const parts = await startLauncher('with a guardian');
  expect(parts.map(isAlive)).toEqual([true, true]);

  await killLauncher();

  await eventually('the parts are gone', () => !parts.some(isAlive));
});

test('after kill -9 of the launcher and of its guardian the next start stops the parts, the last one first', async () => {
  const parts = await startLauncher('without a guardian');
  await killLauncher();
  expect(parts.map(isAlive)).toEqual([true, true]);

  const lock = await moveIn(scene.launch);
  const stopped = await stopLeftovers(scene.launch.home);
  lock.leave();

  expect(stopped.map((name) => name.split(' ')[0])).toEqual(['gate', 'road']);
  expect(parts.map(isAlive)).toEqual([false, false]);
});

test('a second start in the same TOLLGATE_HOME is refused while the first runs, and possible when that was killed', async () => {
  await startLauncher('without a guardian');
  await expect(moveIn(scene.launch)).rejects.toThrow(
    `another start (process ${launcher.pid}) is running in ${scene.launch.home}`,
  );

  await killLauncher();

  (await moveIn(scene.launch)).leave();
});
