// However many change them at once, an organization has no more active members than seats, and never loses its last owner.
import { expect, test } from '@jest/globals';
import { addMember, type MemberChange } from '../../../services/people/memberships.ts';
import { people } from './organization.ts';

const { admin, change, inTransaction, join, newOrganization, newPerson, statuses } = await people();

const ROUNDS = 20;
const REFUSED = { code: 'conflict' };

const outcomes = (settled: readonly PromiseSettledResult<unknown>[]) =>
  settled.map((one) => (one.status === 'fulfilled' ? 'done' : one.reason.code)).sort();

test('of six who become members of a team of five at once, one is refused', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const orgId = await newOrganization(5);
    const persons = await Promise.all(Array.from({ length: 6 }, newPerson));

    const added = await Promise.allSettled(
      persons.map((personId) => inTransaction((tx) => addMember(tx, orgId, personId, 'owner'))),
    );

    expect(outcomes(added)).toEqual(['done', 'done', 'done', 'done', 'done', 'seats_used_up']);
    expect(await statuses(orgId)).toHaveLength(5);
  }
});

test('an organization with unlimited seats refuses nobody, one without a plan everybody but its owner', async () => {
  const enterprise = await newOrganization(null);
  await join(enterprise, 'owner', ...Array.from({ length: 10 }, () => 'developer' as const));

  const { rows } = await admin.query<{ id: string }>(`insert into organizations (name) values ('new') returning id`);
  const { id = '' } = rows[0] ?? {};
  await join(id, 'owner');

  await expect(join(id, 'developer')).rejects.toMatchObject({ code: 'seats_used_up' });
});

test('the first member is an owner', async () => {
  const orgId = await newOrganization(5);

  await expect(join(orgId, 'admin')).rejects.toMatchObject(REFUSED);

  expect(await statuses(orgId)).toEqual([]);
});

test.each<MemberChange>([{ role: 'developer' }, { status: 'suspended' }, { status: 'removed' }])(
  'the last active owner stays, whoever else is there: %p is refused until there is another',
  async (leaving) => {
    const orgId = await newOrganization(5);
    const [owner = '', other = '', formerOwner = ''] = await join(orgId, 'owner', 'admin', 'owner');
    await change(orgId, formerOwner, { status: 'suspended' });

    await expect(change(orgId, owner, leaving)).rejects.toMatchObject(REFUSED);

    await change(orgId, other, { role: 'owner' });
    await change(orgId, owner, leaving);
  },
);

test('of two owners who leave at once, one stays', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const orgId = await newOrganization(5);
    const [one = '', two = ''] = await join(orgId, 'owner', 'owner');

    const left = await Promise.allSettled([
      change(orgId, one, { role: 'developer' }),
      change(orgId, two, { status: 'removed' }),
    ]);

    expect(outcomes(left)).toEqual(['conflict', 'done']);
  }
});

test('whoever comes back takes a seat, and is not a member twice', async () => {
  const orgId = await newOrganization(2);
  const [, leaver = ''] = await join(orgId, 'owner', 'developer');
  await change(orgId, leaver, { status: 'removed' });
  await expect(inTransaction((tx) => addMember(tx, orgId, leaver, 'developer'))).rejects.toMatchObject(REFUSED);

  const [follower = ''] = await join(orgId, 'developer');
  await expect(change(orgId, leaver, { status: 'active' })).rejects.toMatchObject({ code: 'seats_used_up' });

  await change(orgId, follower, { status: 'suspended' });
  await change(orgId, leaver, { status: 'active' });
  expect(await statuses(orgId)).toEqual(['active', 'active', 'suspended']);
});

test('a membership is never deleted, and no API key belongs to another organization’s member', async () => {
  const [ours, theirs] = [await newOrganization(5), await newOrganization(5)];
  const [stranger = ''] = await join(theirs, 'owner');
  const insertKey = `with p as (insert into projects (org_id, name) values ($1::uuid, 'default') returning id)
    insert into api_keys (org_id, project_id, member_id, name, digest, prefix, last_four)
    select $1::uuid, p.id, $2::uuid, 'k', sha256('k'), 'p', 'f' from p`;

  await expect(admin.query(insertKey, [ours, stranger])).rejects.toMatchObject({ code: '23503' });
  const removed = inTransaction((tx) => tx.query('delete from memberships where person_id = $1', [stranger]));
  await expect(removed).rejects.toMatchObject({ code: '42501' });
});
