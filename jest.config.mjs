// The machine of CI has two cores. Suites bring real servers and wait for them: with three workers a tenth of the time is idle, and a run takes
// 1213 s that takes 1539 with two. And time for a slow disk.
/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  maxWorkers: 3,
  testSequencer: '<rootDir>/test/longest-first.mjs',
  workerIdleMemoryLimit: '768MB',
  testTimeout: 120_000,
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2024', parser: { syntax: 'typescript' } }, module: { type: 'es6' } },
    ],
  },
};
