// What operators and their monitors ask. Liveness says that the process runs, readiness that it may get requests.
import { prometheusContentType } from 'prom-client';
import { z } from 'zod';
import { JSON_TYPE, type Reply } from './reply.ts';
import { described, none, operatorRead, READS, type Route, whatever } from './route.ts';

const state = z.object({ ok: z.boolean(), reasons: z.array(z.string()) });

function stateReply(ok: boolean, reasons: readonly string[]): Reply {
  const headers = { 'content-type': JSON_TYPE, 'cache-control': 'no-store' };
  return {
    status: ok ? 200 : 503,
    headers: ok ? headers : { ...headers, 'retry-after': '1' },
    text: JSON.stringify({ ok, reasons }),
  };
}

export const operationRoutes: readonly Route[] = [
  {
    ...READS,
    ...described({
      path: '/',
      summary:
        'Where everything is; Claude Code asks HEAD / whether somebody is there. A browser is led to the pages for people',
      params: none,
      query: whatever,
      response: z.object({ api: z.string(), management: z.string() }),
    }),
    who: 'public',
    respond: async ({ headers }) =>
      headers.accept?.includes('text/html') === true
        ? { status: 303, headers: { location: '/console/', vary: 'accept' }, text: '' }
        : {
            status: 200,
            headers: { 'content-type': JSON_TYPE, vary: 'accept' },
            text: JSON.stringify({ api: '/v1', management: '/api/v1/openapi.json' }),
          },
  },
  operatorRead({
    path: '/livez',
    permission: null,
    summary: 'The process runs',
    response: state,
    handler: async () => stateReply(true, []),
  }),
  operatorRead({
    path: '/readyz',
    permission: null,
    summary: 'The process may get requests; 503 with the reasons otherwise',
    response: state,
    handler: async ({ ready }) => {
      const { ok, reasons } = ready();
      return stateReply(ok, reasons);
    },
  }),
  operatorRead({
    path: '/metrics',
    permission: 'metrics.read',
    openToLoopback: true,
    summary: 'Prometheus metrics of every gateway on this machine',
    response: z.string(),
    handler: async ({ scrape }) => ({
      status: 200,
      headers: { 'content-type': prometheusContentType },
      text: await scrape(),
    }),
  }),
];
