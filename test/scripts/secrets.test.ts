// Secrets are made once, stay readable by their owner only, and are never made anew beside data that needs the old ones.
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { keepCustomerKey, loadSecrets, masterKeysFile, payloadKeysFile } from '../../scripts/parts/secrets.ts';
import { newScene, type Scene } from './scene.ts';

let scene: Scene;
beforeEach(() => {
  scene = newScene();
});
afterEach(() => scene.remove());

test('a second start finds the secrets of the first, the customer key included', () => {
  const first = loadSecrets(scene.launch.home);
  keepCustomerKey(scene.launch.home, 'sk-tg-shown-once');

  expect(loadSecrets(scene.launch.home)).toEqual({ ...first, customerKey: 'sk-tg-shown-once' });
});

test('two installations share no secret', () => {
  const other = newScene();
  const secretsOf = ({ launch }: Scene) => {
    const { passwords, ...others } = loadSecrets(launch.home);
    return [...Object.values(passwords), ...Object.values(others), readFileSync(masterKeysFile(launch.home), 'utf8')];
  };
  const all = [...secretsOf(scene), ...secretsOf(other)].filter((secret) => secret !== null);
  other.remove();

  expect(new Set(all).size).toBe(all.length);
});

test('nobody but the owner may read a secret file, and the master key has 32 bytes', () => {
  loadSecrets(scene.launch.home);
  keepCustomerKey(scene.launch.home, 'sk-tg-shown-once');

  const modes = readdirSync(scene.launch.home).map((name) => statSync(join(scene.launch.home, name)).mode & 0o777);
  expect(modes).toEqual([0o600, 0o600, 0o600]);
  const { current, keys } = JSON.parse(readFileSync(masterKeysFile(scene.launch.home), 'utf8'));
  expect(Buffer.from(keys[current], 'base64')).toHaveLength(32);
});

test('lost secrets are not made anew beside data that only the old ones open', () => {
  loadSecrets(scene.launch.home);
  mkdirSync(join(scene.launch.home, 'postgres'));
  rmSync(join(scene.launch.home, 'secrets.json'));

  expect(() => loadSecrets(scene.launch.home)).toThrow(/secrets\.json is missing.*restore it, or remove/);
});

test('lost payload keys are not made anew beside histories that only the old ones open, and an older installation gets its first', () => {
  loadSecrets(scene.launch.home);
  rmSync(payloadKeysFile(scene.launch.home));
  loadSecrets(scene.launch.home);
  mkdirSync(join(scene.launch.home, 'temporal'));
  rmSync(payloadKeysFile(scene.launch.home));

  expect(() => loadSecrets(scene.launch.home)).toThrow(/payload-keys\.json is missing.*restore it, or remove/);
});

test('an installation from before there were backups gets a password for who takes them, and keeps all others', () => {
  const file = join(scene.launch.home, 'secrets.json');
  const { passwords, ...others } = loadSecrets(scene.launch.home);
  const { backup, ...before } = passwords;
  writeFileSync(file, JSON.stringify({ ...others, passwords: before }));

  const loaded = loadSecrets(scene.launch.home);

  expect(loaded).toEqual({ ...others, passwords: { ...before, backup: expect.stringMatching(/^[0-9a-f]{48}$/) } });
  expect(loaded.passwords.backup).not.toBe(backup);
  expect(loadSecrets(scene.launch.home)).toEqual(loaded);
});
