// What must be true of the table of rights as a whole, whoever adds a row to it.
import { expect, test } from '@jest/globals';
import {
  isStaffAllowed,
  MEMBER_ROLES,
  memberReach,
  PERMISSIONS,
  type Permission,
  rolesAllowed,
  STAFF_ROLES,
} from '../../domain/authorization.ts';

const ALL = Object.keys(PERMISSIONS) as Permission[];
const CHANGING = ALL.filter((permission) => !permission.endsWith('.read'));

test('whoever has no role may do nothing', () => {
  expect(ALL.filter((permission) => isStaffAllowed(permission, []))).toEqual([]);
});

test('several staff roles may do what one of them may', () => {
  expect(isStaffAllowed('channel.change', ['support', 'ops'])).toBe(true);
  expect(isStaffAllowed('channel.change', ['support', 'business'])).toBe(false);
});

test('support changes nothing but freezes what was found in public, looks, and sends a link to pay; business touches no channel', () => {
  expect(CHANGING.filter((permission) => isStaffAllowed(permission, ['support']))).toEqual([
    'leak.report',
    'customer.view',
    'pay_link.send',
  ]);
  expect(
    ALL.filter(
      (permission) => /^(channel|model\.change|price)/.test(permission) && isStaffAllowed(permission, ['business']),
    ),
  ).toEqual([]);
});

test('ops sees nothing of what customers asked and paid, and gives no credit', () => {
  const money = ALL.filter((permission) =>
    /^(request|receipt|payment|invoice|grant|contract|bank_transfer)\./.test(permission),
  );
  expect(money.filter((permission) => isStaffAllowed(permission, ['ops']))).toEqual([]);
});

test('no member may do what his owner may not, and a viewer changes nothing', () => {
  const beyond = MEMBER_ROLES.flatMap((role) =>
    ALL.filter((permission) => memberReach(permission, role) !== null && memberReach(permission, 'owner') !== 'all'),
  );
  expect(beyond).toEqual([]);
  expect(CHANGING.filter((permission) => memberReach(permission, 'viewer') !== null)).toEqual([]);
});

test('who pays makes no keys, and who makes keys does not pay', () => {
  expect(memberReach('api_key.change', 'billing')).toBeNull();
  expect(memberReach('payment.make', 'developer')).toBeNull();
  expect(memberReach('api_key.change', 'developer')).toBe('own');
});

test('a refusal can name the roles that could have done it', () => {
  expect(rolesAllowed('payment.make')).toEqual(['owner', 'billing']);
  expect(rolesAllowed('grant.issue')).toEqual([]);
});

test('every permission is somebody’s, but the one by which there comes to be somebody', () => {
  const nobodys = ALL.filter(
    (permission) =>
      !STAFF_ROLES.some((role) => isStaffAllowed(permission, [role])) && rolesAllowed(permission).length === 0,
  );
  expect(nobodys).toEqual(['staff.bootstrap']);
});
