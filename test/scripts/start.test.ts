// `npm start` as whoever drives it sees it: a file that appears when everything is up, and addresses in it that answer.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { checkout, newScene, type Scene, shareFetchedPrograms } from './scene.ts';

const WHOLE_START_MS = 120_000;

let scene: Scene;
beforeEach(() => {
  scene = newScene();
  shareFetchedPrograms(scene);
});
afterEach(() => scene.remove());

/** An address that 127.0.0.1 does not stand for. */
function anotherAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return addresses.find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? '127.0.0.2';
}

test(
  'endpoints.json of an earlier start is gone before this one is up, and what it then names answers, on any HOST',
  async () => {
    const file = join(scene.launch.home, 'endpoints.json');
    writeFileSync(file, '{"api":"http://127.0.0.1:1"}');
    const host = anotherAddress();
    const program = ['--disable-warning=ExperimentalWarning', join(checkout, 'scripts/start.ts')];
    const launcher = spawn(process.execPath, program, {
      env: { PATH: process.env.PATH, TZ: 'UTC', TOLLGATE_HOME: scene.launch.home, HOST: host },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    const { promise: up, resolve } = Promise.withResolvers<void>();
    launcher.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.includes('Tollgate is up')) resolve();
    });
    const ended = once(launcher, 'exit');

    await once(launcher.stdout, 'data');
    expect(existsSync(file)).toBe(false);
    await Promise.race([up, ended]);
    const { api, worker, inbox, temporalUi } = JSON.parse(readFileSync(file, 'utf8'));
    const answers = await Promise.all(
      [`${api}/readyz`, `${worker}/readyz`, `${inbox}/api/mails`, temporalUi].map((url) => fetch(url)),
    );
    launcher.kill('SIGTERM');

    expect([new URL(api).hostname, ...answers.map(({ status }) => status)]).toEqual([host, 200, 200, 200, 200]);
    expect([await ended, said]).toEqual([[0, null], expect.stringContaining('everything is stopped')]);
  },
  WHOLE_START_MS,
);
