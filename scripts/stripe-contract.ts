// `npm run contract`: what we expect of Stripe, asked of Stripe itself with the key of a sandbox. The same assertions hold the fake to it in
// every run of the tests (test/fake-stripe/contract.test.ts).
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { sandboxKeyIn } from './parts/sandbox-key.ts';

const checkout = resolve(import.meta.dirname, '..');
const JEST = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];

process.exitCode = run();

function run(): number {
  try {
    if (sandboxKeyIn(process.env) === null) throw new Error('Set STRIPE_SANDBOX_KEY to the key of a sandbox.');
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
  const suite = [...JEST, 'test/fake-stripe/contract.test.ts'];
  return spawnSync(process.execPath, suite, { cwd: checkout, stdio: 'inherit' }).status ?? 1;
}
