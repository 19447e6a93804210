// A client of the demo provider that hides nothing: it reports the bytes as they came and how the connection ended.
import { mkdtemp, rm } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { MeterReport, UsageExport } from '../support/demo-provider/meter-reports.ts';
import { type DemoProvider, startDemoProvider } from '../support/demo-provider/server.ts';

export interface RunningProvider {
  readonly url: string;
  readonly dataDir: string;
  close(): Promise<void>;
}

export async function runProvider(): Promise<RunningProvider> {
  const dataDir = await mkdtemp(join(tmpdir(), 'demo-provider-'));
  const provider: DemoProvider = await startDemoProvider({ port: 0, dataDir });
  return {
    url: provider.url,
    dataDir,
    close: async () => {
      await provider.close();
      await rm(dataDir, { recursive: true });
    },
  };
}

export interface Call {
  readonly path?: string;
  readonly body: object;
  readonly attemptId?: string;
  readonly fault?: string;
  readonly apiKey?: string;
}

export const HELLO = [{ role: 'user', content: 'hello world!' }] as const;

/** The answer as soon as its head is there. */
export function begin(url: string, call: Call): Promise<IncomingMessage> {
  const headers = {
    authorization: `Bearer ${call.apiKey ?? 'demo-a'}`,
    ...(call.attemptId === undefined ? {} : { 'x-tollgate-attempt-id': call.attemptId }),
    ...(call.fault === undefined ? {} : { 'x-demo-fault': call.fault }),
  };
  return new Promise((resolve, reject) => {
    const sent = request(`${url}${call.path ?? '/v1/chat/completions'}`, { method: 'POST', headers, agent: false });
    sent.on('response', resolve);
    sent.on('error', reject);
    sent.end(JSON.stringify(call.body));
  });
}

export interface Received {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly bytes: Buffer;
  readonly text: string;
  /** false: the connection broke before the end that the head had promised. */
  readonly complete: boolean;
}

export async function send(url: string, call: Call): Promise<Received> {
  const answer = await begin(url, call);
  const chunks: Buffer[] = [];
  answer.on('data', (chunk: Buffer) => chunks.push(chunk));
  answer.on('error', () => {});
  await new Promise((resolve) => answer.on('close', resolve));
  const bytes = Buffer.concat(chunks);
  const { statusCode = 0, headers, complete } = answer;
  return { status: statusCode, headers, bytes, text: bytes.toString('utf8'), complete };
}

/** The data of every event that is JSON; comments, names and [DONE] are left out. */
export function eventsIn<T>(text: string): T[] {
  const data = text.split(/\r?\n/).filter((line) => line.startsWith('data: '));
  return data.filter((line) => line !== 'data: [DONE]').map((line) => JSON.parse(line.slice('data: '.length)));
}

export async function meter(url: string): Promise<MeterReport['attempts']> {
  const report: MeterReport = JSON.parse(await (await fetch(`${url}/meter`)).text());
  return report.attempts;
}

/** Waits for the provider to notice that the attempt is over. */
export async function endedAttempt(url: string, attemptId: string) {
  for (;;) {
    const attempt = (await meter(url))[attemptId];
    if (attempt?.ended === true) return attempt;
    await wait(5);
  }
}

export async function exportPage(url: string, after: string, pageSize: number): Promise<UsageExport> {
  return JSON.parse(await (await fetch(`${url}/usage-export?after=${after}&limit=${pageSize}`)).text());
}
