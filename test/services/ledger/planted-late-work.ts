// What somebody should have done by now, as the checks of late work are to find it.
import { SOME_ID } from '../../support/bare-gateway.ts';

/** Check, defect, the statement that plants it. */
export const PLANTED_LATE_WORK: readonly (readonly [string, string, string])[] = [
  [
    'expiry',
    'a grant has money after its expiry',
    `update credit_grants set effective_at = now() - interval '1 day', expires_at = now() - interval '11 minutes'`,
  ],
  [
    'costs',
    'an attempt has no cost although the provider tells',
    `insert into channels (id, name, provider, base_url, usage_export) values ('${SOME_ID}', 'c', 'demo', 'http://c', 'demo');
     update attempts set cost_nano = null, sent_at = now() - interval '25 hours'`,
  ],
  [
    'costs',
    'an export row matches nothing',
    `insert into usage_export_rows values (gen_random_uuid(), gen_random_uuid(), 1, 'm', '{}', now(), now() - interval '25 hours')`,
  ],
];
