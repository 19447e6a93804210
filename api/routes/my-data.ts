// What we keep of a person, downloaded by himself.
import { z } from 'zod';
import { dataOf, requireFewExports } from '../../services/accounts/data-export.ts';
import { writeAudit } from '../../services/audit/audit.ts';
import { inTransaction } from '../../services/platform/postgres.ts';
import { requireNothingElsewhere } from '../../services/single-sign-on/enforcement.ts';
import { personOf } from './person-route.ts';
import { JSON_TYPE } from './reply.ts';
import { described, none, READS, type Route } from './route.ts';
import { inputOf } from './route-input.ts';

const declared = {
  path: '/api/v1/me/data',
  summary: 'All that is kept of oneself, as one JSON document: sent while it is read, and audited',
  params: none,
  query: none,
  response: z.record(z.string(), z.unknown()),
};

export const myDataRoutes: readonly Route[] = [
  {
    ...READS,
    ...described(declared),
    who: 'person',
    async respond(call, { db }) {
      inputOf(declared, call);
      const { actor, requestId, clientAddress } = call;
      const person = personOf(call);
      const { personId } = person;
      await requireNothingElsewhere(db, personId, person);
      await inTransaction(db, async (tx) => {
        await requireFewExports(tx, personId);
        const what = { action: 'person.data_exported', targetKind: 'person', targetId: personId } as const;
        await writeAudit(tx, { actor, requestId, clientAddress }, { ...what, after: {} });
      });
      const headers = { 'content-type': JSON_TYPE, 'content-disposition': 'attachment; filename="tollgate-data.json"' };
      return { status: 200, headers, text: '', chunks: dataOf(db, personId) };
    },
  },
];
