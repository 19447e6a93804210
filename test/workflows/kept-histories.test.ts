// Workflows sleep for a month and longer, so the history that one of them has today must replay under every code that comes (issue 4): a history that
// was kept once is changed by nobody who finds it in his way.
import { expect, test } from '@jest/globals';
import { type Archive, archiveNow, brokenPromises } from './kept-histories.ts';

const SLEPT: Archive = {
  standing: new Map([
    ['dunning/paid.json', 'd1'],
    ['subscription/renewed.json', 'd2'],
  ]),
  kept: ['d1  dunning/paid.json', 'd2  subscription/renewed.json'],
  keptBefore: ['d1  dunning/paid.json'],
  retired: '',
};

test('every history that was ever kept stands as it was, or says why it does not', () => {
  expect(brokenPromises(archiveNow())).toEqual([]);
});

test('a history that is changed, removed or listed nowhere is seen, also where the list was changed with it', () => {
  const changed = new Map([...SLEPT.standing, ['dunning/paid.json', 'd9']]);
  const removed = new Map([...SLEPT.standing].slice(1));
  const added = new Map([...SLEPT.standing, ['dunning/new.json', 'd3']]);

  expect(brokenPromises(SLEPT)).toEqual([]);
  expect(brokenPromises({ ...SLEPT, standing: changed })).toEqual(['dunning/paid.json was changed']);
  const listedAnew = ['d9  dunning/paid.json', 'd2  subscription/renewed.json'];
  expect(brokenPromises({ ...SLEPT, standing: changed, kept: listedAnew })).toEqual(['dunning/paid.json was changed']);
  expect(brokenPromises({ ...SLEPT, standing: removed })).toEqual(['dunning/paid.json was removed']);
  expect(brokenPromises({ ...SLEPT, standing: added })).toEqual(['dunning/new.json is not in KEPT']);
});

test('one that is retired has to say why, and until when there were such workflows', () => {
  const gone = { ...SLEPT, standing: new Map([...SLEPT.standing].slice(1)), kept: SLEPT.kept.slice(1) };
  const why = '- `dunning/paid.json`: no run began so after January, and all of them have ended';

  expect(brokenPromises({ ...gone, retired: `${why}, until 2027-02-01.` })).toEqual([]);
  expect(brokenPromises({ ...gone, retired: `${why}.` })).toEqual(['dunning/paid.json was removed']);
  expect(brokenPromises({ ...gone, retired: '- `dunning/paid.json`: , until 2027-02-01.' })).toEqual([
    'dunning/paid.json was removed',
  ]);
});
