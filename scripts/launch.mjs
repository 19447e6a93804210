// Runs a TypeScript script of this repository under the Node 24 that the lockfile pins, on any machine with Node >= 20.
// Plain JavaScript and node: imports only: it runs before node_modules exists and under an old Node.
// An install happens in a folder of its own and is moved into place whole: node_modules is complete or absent,
// whoever interrupts it, and however many starts install at once.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const OLDEST_NODE = 20;
const PINNED_MAJOR = 24;
const STAMP = '.installed-lock';
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
const bin = join(modules, '.bin');
const path = process.env.PATH ?? '';

if (major(process.versions.node) < OLDEST_NODE) {
  fail(`Node ${process.versions.node} is too old: install Node ${OLDEST_NODE} or newer (https://nodejs.org)`);
}
const wanted = wantedStamp();
if (!isInstalled()) install();
run(nodeForScripts(), process.argv.slice(2));

function major(version) {
  return Number.parseInt(version, 10);
}

function fail(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}

/** Packages differ by platform: a checkout carried to another machine is installed again. */
function wantedStamp() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  return `${lock} ${process.platform}-${process.arch}`;
}

function isInstalled() {
  const stamp = join(modules, STAMP);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted;
}

function install() {
  process.stderr.write('installing the locked dependencies (npm ci) ...\n');
  const installs = join(root, '.tollgate', 'installs');
  removeAbandoned(installs);
  const folder = join(installs, String(process.pid));
  mkdirSync(folder, { recursive: true });
  try {
    for (const file of ['package.json', 'package-lock.json', '.npmrc']) {
      if (existsSync(join(root, file))) copyFileSync(join(root, file), join(folder, file));
    }
    runNpm(folder);
    writeFileSync(join(folder, 'node_modules', STAMP), wanted);
    moveIntoPlace(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What an install that was killed has left. Folders are named by process: those of running ones stay. */
function removeAbandoned(installs) {
  if (!existsSync(installs)) return;
  for (const pid of readdirSync(installs)) {
    if (!isRunning(Number(pid))) rmSync(join(installs, pid), { recursive: true, force: true });
  }
}

function isRunning(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function runNpm(folder) {
  // npm prepends node_modules/.bin of the checkout: its Node must not be the one that installs its successor.
  const machinePath = path
    .split(delimiter)
    .filter((entry) => !entry.includes('node_modules'))
    .join(delimiter);
  // Named, because NODE_ENV=production and a machine's own npmrc leave kinds of dependencies out, and the stamp says "whole".
  const { status, error } = spawnSync('npm', ['ci', '--include=dev', '--include=optional', '--loglevel=error'], {
    cwd: folder,
    stdio: ['ignore', 2, 2],
    env: { ...process.env, PATH: machinePath },
  });
  if (error?.code === 'ENOENT') {
    fail(
      'npm is not on PATH, and the dependencies are not installed: install npm (Debian: apt-get install npm), run again',
    );
  }
  if (status !== 0) {
    rmSync(folder, { recursive: true, force: true });
    fail(`npm ci failed (${error?.message ?? `exit ${status}`}): the dependencies are not installed`);
  }
}

function moveIntoPlace(folder) {
  try {
    if (existsSync(modules)) renameSync(modules, join(folder, 'replaced'));
    renameSync(join(folder, 'node_modules'), modules);
  } catch (error) {
    // Two starts installed the same lock at once, and the other one was first: its work is as good.
    if (!isInstalled()) throw error;
  }
}

/** In its package: npm 10, which Node 20 brings, makes no link to it in .bin, since another platform's optional Node would have the same name. */
function nodeForScripts() {
  const pinned = join(modules, `node-${process.platform}-${process.arch}`, 'bin', 'node');
  if (existsSync(pinned)) return pinned;
  if (major(process.versions.node) >= PINNED_MAJOR) return process.execPath;
  return fail(
    `the lockfile has no Node ${PINNED_MAJOR} for ${process.platform}-${process.arch}, and this is Node ${process.versions.node}: ` +
      `install Node ${PINNED_MAJOR} or newer. (On Linux x64 and arm64: npm could not download it; remove node_modules, run again.)`,
  );
}

function run(node, [script, ...args]) {
  const child = spawn(node, ['--disable-warning=ExperimentalWarning', join(root, script), ...args], {
    cwd: root,
    // Over the channel the script learns that this process is gone, even by kill -9 (start.ts then stops its parts).
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, TZ: 'UTC', PATH: [dirname(node), bin, path].join(delimiter) },
  });
  // Ctrl-C reaches the whole group, and npm forwards it besides: the script must take the same signal twice.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => fail(`cannot run ${node}: ${error.message}`));
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)));
}
