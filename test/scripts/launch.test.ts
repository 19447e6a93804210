// The launcher before anything is installed, under whatever Node the machine has: what lies in node_modules is whole or absent.
// npm is played by a shell script, so that it can be slow and be interrupted; the real one by itself where its own rules count.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { checkout, eventually } from './scene.ts';

const NODE = `node_modules/node-${process.platform}-${process.arch}/bin`;
/** As npm 10 leaves it: there is no node in .bin. */
const INSTALLS = `mkdir -p ${NODE} node_modules/.bin node_modules/pkg && ln -s ${process.execPath} ${NODE}/node`;
let clone: string;
let bin: string;

beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), 'tollgate-clone-'));
  bin = join(clone, 'bin');
  for (const folder of ['scripts', 'bin']) mkdirSync(join(clone, folder));
  cpSync(join(checkout, 'scripts/launch.mjs'), join(clone, 'scripts/launch.mjs'));
  writeFileSync(join(clone, 'package.json'), '{"type":"module"}');
  writeFileSync(join(clone, 'package-lock.json'), '{"version":1}');
  writeFileSync(
    join(clone, 'scripts/answer.ts'),
    `const zone: string = process.env.TZ ?? ''; process.stdout.write('ran in ' + zone);`,
  );
});
afterEach(() => rmSync(clone, { recursive: true, force: true }));

function npmIs(script: string): void {
  writeFileSync(join(bin, 'npm'), `#!/bin/sh\nset -e\necho run >>${clone}/npm-runs\n${script}\n`);
  chmodSync(join(bin, 'npm'), 0o755);
}

function launch(env: NodeJS.ProcessEnv = {}): ChildProcess {
  const path = `${bin}:/usr/bin:/bin`;
  return spawn(process.execPath, [join(clone, 'scripts/launch.mjs'), 'scripts/answer.ts'], {
    env: { PATH: path, ...env },
    detached: true,
  });
}

async function outcomeOf(launcher: ChildProcess): Promise<{ code: number; out: string; err: string }> {
  const [out, err, [code]] = await Promise.all([
    launcher.stdout === null ? '' : text(launcher.stdout),
    launcher.stderr === null ? '' : text(launcher.stderr),
    once(launcher, 'close'),
  ]);
  return { code, out, err };
}

function npmRuns(): number {
  return readFileSync(join(clone, 'npm-runs'), 'utf8').trim().split('\n').length;
}

test('the first start installs, the second does not, a changed lock installs again', async () => {
  npmIs(INSTALLS);
  expect(await outcomeOf(launch())).toMatchObject({ code: 0, out: 'ran in UTC' });
  expect(await outcomeOf(launch())).toMatchObject({ code: 0, out: 'ran in UTC', err: '' });
  expect(npmRuns()).toBe(1);

  writeFileSync(join(clone, 'package-lock.json'), '{"version":2}');
  expect(await outcomeOf(launch())).toMatchObject({ code: 0, out: 'ran in UTC' });
  expect(npmRuns()).toBe(2);
});

test('an install that is killed leaves no node_modules behind, and the next start installs whole', async () => {
  npmIs(`mkdir -p node_modules/.bin; touch ${clone}/half; exec sleep 60`);
  const interrupted = launch();
  await eventually('npm is half done', () => existsSync(join(clone, 'half')));
  const gone = once(interrupted, 'exit');
  process.kill(-(interrupted.pid ?? 0), 'SIGKILL');
  await gone;
  expect(existsSync(join(clone, 'node_modules'))).toBe(false);

  npmIs(INSTALLS);
  expect(await outcomeOf(launch())).toMatchObject({ code: 0, out: 'ran in UTC' });
  expect(existsSync(join(clone, 'node_modules/pkg'))).toBe(true);
  expect(readdirSync(join(clone, '.tollgate/installs'))).toEqual([]);
});

test('two starts that install at the same moment both run, on one whole node_modules', async () => {
  // Each npm waits until the other one runs too.
  npmIs(`${INSTALLS}; while [ $(wc -l <${clone}/npm-runs) -lt 2 ]; do sleep 0.05; done`);
  const outcomes = await Promise.all([outcomeOf(launch()), outcomeOf(launch())]);

  expect(outcomes.map(({ code, out }) => [code, out])).toEqual([
    [0, 'ran in UTC'],
    [0, 'ran in UTC'],
  ]);
  expect(existsSync(join(clone, 'node_modules/pkg'))).toBe(true);
  expect(readdirSync(join(clone, '.tollgate/installs'))).toEqual([]);
});

test('an install is whole, whatever this machine tells npm to leave out', async () => {
  const parts = [
    { name: 'dev-part', kind: 'devDependencies' },
    { name: 'optional-part', kind: 'optionalDependencies' },
  ];
  const root: Record<string, object> = {};
  const packages: Record<string, object> = { '': root };
  for (const { name, kind } of parts) {
    // As seen from the folder of an install, so that the real npm needs no network.
    const place = `../../../${name}`;
    mkdirSync(join(clone, name));
    writeFileSync(join(clone, name, 'package.json'), JSON.stringify({ name, version: '1.0.0' }));
    root[kind] = { [name]: `file:${place}` };
    packages[place] = { version: '1.0.0' };
    packages[`node_modules/${name}`] = { resolved: place, link: true };
  }
  writeFileSync(join(clone, 'package.json'), JSON.stringify({ type: 'module', ...root }));
  writeFileSync(join(clone, 'package-lock.json'), JSON.stringify({ lockfileVersion: 3, packages }));

  const { code, err } = await outcomeOf(
    launch({ PATH: process.env.PATH, NODE_ENV: 'production', npm_config_omit: 'optional' }),
  );

  expect([code, err]).toEqual([0, expect.stringContaining('installing')]);
  expect(readdirSync(join(clone, 'node_modules'))).toEqual(expect.arrayContaining(['dev-part', 'optional-part']));
});

test('a failed install is reported, and leaves what was there', async () => {
  npmIs(INSTALLS);
  await outcomeOf(launch());
  npmIs('echo no network >&2; exit 7');
  writeFileSync(join(clone, 'package-lock.json'), '{"version":3}');

  const { code, err } = await outcomeOf(launch());

  expect(code).toBe(1);
  expect(err).toMatch(/no network\nnpm ci failed \(exit 7\): the dependencies are not installed/);
  expect(existsSync(join(clone, 'node_modules/pkg'))).toBe(true);
});

test('without npm on PATH it says that npm is missing and how to get it', async () => {
  const launcher = spawn(process.execPath, [join(clone, 'scripts/launch.mjs'), 'scripts/answer.ts'], {
    env: { PATH: dirname(clone) },
  });
  const { code, err } = await outcomeOf(launcher);

  expect(code).toBe(1);
  expect(err).toContain('npm is not on PATH');
});

test('a signal reaches the script, and its exit code comes back', async () => {
  npmIs(INSTALLS);
  writeFileSync(
    join(clone, 'scripts/answer.ts'),
    `process.once('SIGTERM', () => process.exit(9)); process.stdout.write('up'); setInterval(() => {}, 1000);`,
  );
  const launcher = launch();
  const ended = once(launcher, 'exit');
  if (launcher.stdout !== null) await once(launcher.stdout, 'data');

  launcher.kill('SIGTERM');

  expect(await ended).toEqual([9, null]);
});

test('a script learns that its launcher was killed', async () => {
  npmIs(INSTALLS);
  const farewell = join(clone, 'farewell');
  writeFileSync(
    join(clone, 'scripts/answer.ts'),
    `import { writeFileSync } from 'node:fs';
     process.on('disconnect', () => { writeFileSync(${JSON.stringify(farewell)}, ''); process.exit(); });
     process.stdout.write('up');`,
  );
  const launcher = launch();
  if (launcher.stdout !== null) await once(launcher.stdout, 'data');

  launcher.kill('SIGKILL');

  await eventually('the script has noticed', () => existsSync(farewell));
});
