// Who may do what: one table, a row for each thing that can be done through the management API. What is not written here nobody may do.
// Staff's reach is the installation; a member's is the organization in which he has the role, or in it only what is his own. The operator's
// admin token stands above the table: whoever has it runs the machine.

import { type Nano, nano } from './nano.ts';

export const STAFF_ROLES = ['support', 'business', 'ops', 'admin'] as const;
export type StaffRole = (typeof STAFF_ROLES)[number];

export const MEMBER_ROLES = ['owner', 'admin', 'billing', 'developer', 'viewer'] as const;
export type MemberRole = (typeof MEMBER_ROLES)[number];

/** `own`: what belongs to the member himself, such as keys that he answers for. */
export type Reach = 'all' | 'own';

interface Rule {
  readonly staff: readonly StaffRole[];
  readonly members: { readonly [R in MemberRole]?: Reach };
}

const EVERY_MEMBER = { owner: 'all', admin: 'all', billing: 'all', developer: 'all', viewer: 'all' } as const;
const WHO_RUNS_IT = { owner: 'all', admin: 'all' } as const;
const WHO_SEES_MONEY = { owner: 'all', admin: 'all', billing: 'all' } as const;
const WHO_PAYS = { owner: 'all', billing: 'all' } as const;
/** No member, whatever his role. */
const NO_MEMBER = {} as const;
const NO_STAFF: readonly StaffRole[] = [];
const EVERY_STAFF = STAFF_ROLES;
const WHO_SELLS: readonly StaffRole[] = ['business', 'admin'];
const WHO_ANSWERS_CUSTOMERS: readonly StaffRole[] = ['support', 'business', 'admin'];
const WHO_KEEPS_IT_RUNNING: readonly StaffRole[] = ['ops', 'admin'];

export const PERMISSIONS = {
  'organization.create': { staff: WHO_SELLS, members: NO_MEMBER },
  'organization.read': { staff: EVERY_STAFF, members: EVERY_MEMBER },
  'organization.change': { staff: WHO_SELLS, members: WHO_RUNS_IT },
  // A wall that a customer has put up, those who sell to him do not take down.
  'address_list.change': { staff: ['admin'], members: WHO_RUNS_IT },
  'project.read': { staff: EVERY_STAFF, members: EVERY_MEMBER },
  'project.change': { staff: ['admin'], members: WHO_RUNS_IT },
  'api_key.read': { staff: EVERY_STAFF, members: { ...EVERY_MEMBER, developer: 'own' } },
  'api_key.change': { staff: ['admin'], members: { ...WHO_RUNS_IT, developer: 'own' } },
  // Whose key was taken out of use does not put it back himself.
  'api_key.enable': { staff: ['admin'], members: WHO_RUNS_IT },
  // Nor does anybody of ours, who could not know whose hands it is in.
  'api_key.unfreeze': { staff: NO_STAFF, members: WHO_RUNS_IT },
  'leak.report': { staff: EVERY_STAFF, members: NO_MEMBER },
  'request.read': { staff: WHO_ANSWERS_CUSTOMERS, members: { ...EVERY_MEMBER, developer: 'own' } },
  // By a member's address, too, which who answers him needs to know.
  'customer.read': { staff: EVERY_STAFF, members: NO_MEMBER },
  'customer.view': { staff: WHO_ANSWERS_CUSTOMERS, members: NO_MEMBER },
  'timeline.read': { staff: WHO_ANSWERS_CUSTOMERS, members: NO_MEMBER },
  // With our costs.
  'receipt.read': { staff: WHO_ANSWERS_CUSTOMERS, members: NO_MEMBER },
  'usage.read': { staff: WHO_ANSWERS_CUSTOMERS, members: NO_MEMBER },

  // The operator's alone.
  'staff.bootstrap': { staff: NO_STAFF, members: NO_MEMBER },
  'staff.read': { staff: EVERY_STAFF, members: NO_MEMBER },
  'staff.change': { staff: ['admin'], members: NO_MEMBER },
  'person.read': { staff: ['support', 'admin'], members: NO_MEMBER },
  'person.change': { staff: ['admin'], members: NO_MEMBER },
  'member.read': { staff: EVERY_STAFF, members: EVERY_MEMBER },
  'member.add': { staff: ['admin'], members: NO_MEMBER },
  'member.invite': { staff: ['admin'], members: WHO_RUNS_IT },
  'member.change': { staff: ['admin'], members: { owner: 'all' } },

  'single_sign_on.read': { staff: WHO_ANSWERS_CUSTOMERS, members: WHO_RUNS_IT },
  // Whoever says who says who its people are, is its owner.
  'single_sign_on.change': { staff: NO_STAFF, members: { owner: 'all' } },
  // And whose its mail addresses are, we say.
  'mail_domain.confirm': { staff: WHO_SELLS, members: NO_MEMBER },

  'grant.read': { staff: WHO_ANSWERS_CUSTOMERS, members: EVERY_MEMBER },
  'grant.issue': { staff: ['admin'], members: NO_MEMBER },
  'subscription.read': { staff: WHO_ANSWERS_CUSTOMERS, members: WHO_SEES_MONEY },
  'subscription.change': { staff: WHO_SELLS, members: WHO_PAYS },
  'payment.read': { staff: WHO_ANSWERS_CUSTOMERS, members: WHO_SEES_MONEY },
  'payment.make': { staff: WHO_SELLS, members: WHO_PAYS },
  'payment.refund': { staff: WHO_SELLS, members: NO_MEMBER },
  'card.read': { staff: WHO_ANSWERS_CUSTOMERS, members: WHO_PAYS },
  // The pages of Stripe on which cards are left and removed are for the eyes of their owner.
  'card.change': { staff: NO_STAFF, members: WHO_PAYS },
  'auto_top_up.read': { staff: WHO_ANSWERS_CUSTOMERS, members: WHO_SEES_MONEY },
  'auto_top_up.change': { staff: NO_STAFF, members: WHO_PAYS },
  'billing_details.read': { staff: WHO_ANSWERS_CUSTOMERS, members: WHO_SEES_MONEY },
  'billing_details.change': { staff: WHO_SELLS, members: WHO_PAYS },
  'tax_regime.read': { staff: WHO_ANSWERS_CUSTOMERS, members: NO_MEMBER },
  'tax_regime.change': { staff: ['admin'], members: NO_MEMBER },
  'invoice.read': { staff: WHO_ANSWERS_CUSTOMERS, members: WHO_SEES_MONEY },
  'pay_link.send': { staff: WHO_ANSWERS_CUSTOMERS, members: NO_MEMBER },
  'dunning.read': { staff: WHO_ANSWERS_CUSTOMERS, members: NO_MEMBER },
  'dunning.decide': { staff: WHO_SELLS, members: NO_MEMBER },
  'contract.read': { staff: WHO_ANSWERS_CUSTOMERS, members: NO_MEMBER },
  'contract.change': { staff: WHO_SELLS, members: NO_MEMBER },
  'application.read': { staff: WHO_SELLS, members: EVERY_MEMBER },
  // What an enterprise says of itself is for it to say, and to decide on it for those who sell.
  'application.write': { staff: NO_STAFF, members: { owner: 'all' } },
  'application.decide': { staff: WHO_SELLS, members: NO_MEMBER },
  'bank_transfer.record': { staff: WHO_SELLS, members: NO_MEMBER },
  'billing_incident.read': { staff: EVERY_STAFF, members: NO_MEMBER },
  'billing_incident.declare': { staff: WHO_KEEPS_IT_RUNNING, members: NO_MEMBER },

  'channel.read': { staff: WHO_KEEPS_IT_RUNNING, members: NO_MEMBER },
  'channel.change': { staff: WHO_KEEPS_IT_RUNNING, members: NO_MEMBER },
  // Which there are; the keys themselves nobody reads.
  'master_key.read': { staff: WHO_KEEPS_IT_RUNNING, members: NO_MEMBER },
  'master_key.rotate': { staff: WHO_KEEPS_IT_RUNNING, members: NO_MEMBER },
  'master_key.destroy': { staff: ['admin'], members: NO_MEMBER },
  'model.read': { staff: EVERY_STAFF, members: NO_MEMBER },
  'model.change': { staff: WHO_KEEPS_IT_RUNNING, members: NO_MEMBER },
  'price.change': { staff: ['admin'], members: NO_MEMBER },
  'ledger.read': { staff: WHO_ANSWERS_CUSTOMERS, members: WHO_SEES_MONEY },
  'ledger.verify': { staff: WHO_KEEPS_IT_RUNNING, members: NO_MEMBER },
  'backup.read': { staff: WHO_KEEPS_IT_RUNNING, members: NO_MEMBER },
  // It costs time of the machine and room in storage, and changes nothing.
  'backup.take': { staff: WHO_KEEPS_IT_RUNNING, members: NO_MEMBER },
  // Of what waits, what his other rights let him see to.
  'inbox.read': { staff: ['business', 'ops', 'admin'], members: NO_MEMBER },
  // It holds nobody off.
  'inbox.claim': { staff: ['business', 'ops', 'admin'], members: NO_MEMBER },
  'proposal.read': { staff: EVERY_STAFF, members: NO_MEMBER },
  // And only what he might have asked for himself.
  'proposal.decide': { staff: ['business', 'ops', 'admin'], members: NO_MEMBER },
  // As the organization is told: without what is ours alone.
  'organization_audit.read': { staff: WHO_ANSWERS_CUSTOMERS, members: WHO_RUNS_IT },
  'audit.read': { staff: ['admin'], members: NO_MEMBER },
  'demo_clock.read': { staff: WHO_KEEPS_IT_RUNNING, members: NO_MEMBER },
  'demo_clock.advance': { staff: WHO_KEEPS_IT_RUNNING, members: NO_MEMBER },
  'metrics.read': { staff: WHO_KEEPS_IT_RUNNING, members: NO_MEMBER },
} as const satisfies Record<string, Rule>;

/** The most credit that one of our staff gives by himself in a day (R-AZ-2): $50. */
export const CREDIT_OF_ONE_PERSON: Nano = nano(50_000_000_000n);

export type Permission = keyof typeof PERMISSIONS;
export const PERMISSION_NAMES = Object.keys(PERMISSIONS) as Permission[];

export function isStaffAllowed(permission: Permission, roles: readonly StaffRole[]): boolean {
  const { staff }: Rule = PERMISSIONS[permission];
  return roles.some((role) => staff.includes(role));
}

/** How far it goes in the member's organization; null: he may not. */
export function memberReach(permission: Permission, role: MemberRole): Reach | null {
  const { members }: Rule = PERMISSIONS[permission];
  return members[role] ?? null;
}

/** For the refusal: who could have done it. */
export function rolesAllowed(permission: Permission): readonly MemberRole[] {
  return MEMBER_ROLES.filter((role) => memberReach(permission, role) !== null);
}
