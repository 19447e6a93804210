// Defects of the order in which credit is spent, and of what was locked, for the verifier to find.
export const PLANTED_BURNING: readonly (readonly [check: string, what: string, defect: string])[] = [
  [
    'I8-burn-order',
    'a grant was cut while an older promise had money',
    `update credit_grants set priority = 5 where id = (select g.id from credit_grants g join grant_balances b on b.grant_id = g.id where b.org_id = (select org_id from leases where closed_at is null limit 1) order by b.available_nano desc limit 1)`,
  ],
  [
    'I8-locked',
    'included credit was spent while an invoice was overdue',
    `insert into enforcement_changes select id, 1, 'limited', -row_number() over () from organizations;
     update credit_grants set source = 'included'`,
  ],
  [
    'I8-locked',
    'a stopped organization was given a lease',
    `insert into enforcement_changes select id, 1, 'stopped', -row_number() over () from organizations`,
  ],
  ['enforcement', 'a change of the stage is missing', 'update organizations set enforcement_seq = 1'],
  [
    'enforcement',
    'a stage is not that of its last change',
    `insert into enforcement_changes select id, 1, 'limited', -row_number() over () from organizations;
     update organizations set enforcement_seq = 1`,
  ],
];
