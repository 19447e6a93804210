// The receipt of a payment, as a page to be printed or saved. The console links to it, and whoever may see the payment may have it.
import { z } from 'zod';
import { ownerOf } from '../../services/organizations/owners.ts';
import { receipt } from '../../services/payments/receipts.ts';
import { pageHeaders } from '../pages/page-frame.ts';
import { languageOf } from '../pages/pay-words.ts';
import { receiptPage } from '../pages/receipt-page.ts';
import { uuid } from './field-schemas.ts';
import { described, READS, type Route } from './route.ts';
import { inputOf } from './route-input.ts';

const declared = {
  path: '/api/v1/payments/{id}/receipt',
  summary: 'The receipt of a payment that is paid, as HTML that prints well',
  params: z.object({ id: uuid }),
  query: z.strictObject({
    language: z.enum(['en', 'zh']).optional().meta({ description: 'Without it the browser’s' }),
  }),
  response: z.string(),
};

export const receiptRoutes: readonly Route[] = [
  {
    ...READS,
    ...described(declared),
    who: 'permitted',
    permission: 'payment.read',
    belonging: (call, { db }) => ownerOf(db, 'payment', inputOf(declared, call).params.id),
    answersIn: ['text/html'],
    async respond(call, { db }) {
      const { params, query } = inputOf(declared, call);
      const shown = await receipt(db, params.id);
      return {
        status: 200,
        headers: {
          ...pageHeaders(),
          'content-disposition': `inline; filename="receipt-${shown.number}.html"`,
        },
        text: receiptPage(shown, query.language ?? languageOf(call.headers['accept-language'])),
      };
    },
  },
];
