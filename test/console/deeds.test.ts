// What somebody did several times in a row is one line of the log, and nothing of the log is a code.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { folded } from '../../console/src/repeated-deeds.ts';

const CHECKOUT = join(import.meta.dirname, '../..');
const { deeds: words } = JSON.parse(readFileSync(join(CHECKOUT, 'console/src/messages/en/deeds.json'), 'utf8')) as {
  readonly deeds: { readonly did: Record<string, string>; readonly to: Record<string, string> };
};

const deed = (action: string, at: string) => ({
  ...{ action, at, actor: 'tollgate', targetKind: 'application', targetId: 'a-1', after: null },
  ...{ reason: null, clientAddress: null },
});

test('the same done again folds into one line that says how often and since when; anything between keeps it apart', () => {
  const lines = folded([
    deed('application.went_on', '2026-11-30T10:05:00Z'),
    deed('application.went_on', '2026-11-30T10:04:00Z'),
    deed('application.approved', '2026-11-30T10:03:00Z'),
    deed('application.went_on', '2026-11-30T10:02:00Z'),
  ]);

  expect(lines.map(({ deed: { action, at }, times, since }) => [action, at, times, since])).toEqual([
    ['application.went_on', '2026-11-30T10:05:00Z', 2, '2026-11-30T10:04:00Z'],
    ['application.approved', '2026-11-30T10:03:00Z', 1, '2026-11-30T10:03:00Z'],
    ['application.went_on', '2026-11-30T10:02:00Z', 1, '2026-11-30T10:02:00Z'],
  ]);
});

test('who has renamed something twice has done two things, and another thing of the same number is another thing', () => {
  const renamed = { ...deed('project.changed', '2026-11-30T10:05:00Z'), after: { name: 'Research' } };
  const before = { ...renamed, after: { name: 'Reserch' } };

  expect(folded([renamed, before]).map(({ deed: { after } }) => after)).toEqual([
    { name: 'Research' },
    { name: 'Reserch' },
  ]);
  expect(folded([renamed, { ...renamed, targetKind: 'api_key' }])).toHaveLength(2);
});

test('what is done in an organization, and to what, has a word', () => {
  const audit = readFileSync(join(CHECKOUT, 'services/audit/audit.ts'), 'utf8');
  const kinds = [...audit.matchAll(/^ {2}(\w+):\s+[`'](?!null)/gm)].map(([, kind = '']) => kind);
  const nouns = [...kinds, 'member', 'checkout', 'card_setup', 'portal', 'refund', 'mail_domain'];
  const actions = globSync(['api/**/*.ts', 'services/**/*.ts'], { cwd: CHECKOUT })
    .flatMap((file) => [...readFileSync(join(CHECKOUT, file), 'utf8').matchAll(/action: '(\w+)\.(\w+)'/g)])
    .filter(([, noun = '']) => nouns.includes(noun))
    .map(([, noun, did]) => `${noun}_${did}`);

  expect(kinds).toContain('api_key');
  expect(kinds.filter((kind) => !(kind in words.to))).toEqual([]);
  expect(actions).toContain('member_left');
  expect(actions.filter((action) => !(action in words.did))).toEqual([]);
});
