// Files of PyPI without Python: a machine that has nothing but Node finds, downloads and checks a pinned file by itself.
// The index is the one that pip would ask here (PIP_INDEX_URL, pip.conf), because often only a mirror can be reached, and proxies are
// those of the environment. None of them is trusted: the SHA-256 that stands in our code decides.
import { createHash } from 'node:crypto';
import { createWriteStream, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { getCACertificates } from 'node:tls';
import { type Dispatcher, EnvHttpProxyAgent, fetch, type Response } from 'undici';

const PYPI = 'https://pypi.org/simple';
/** PEP 691 and PEP 503: every mirror speaks one of the two. */
const FORMATS = 'application/vnd.pypi.simple.v1+json, text/html;q=0.5';
const INDEX_MS = 20_000;
const DOWNLOAD_MS = 600_000;

export interface PinnedFile {
  readonly project: string;
  readonly name: string;
  readonly sha256: string;
}

/** Answers with the host that gave the file. Whatever was written when it fails is not the file. */
export async function downloadPinned(file: PinnedFile, destination: string, interrupted: AbortSignal): Promise<string> {
  const index = indexUrl();
  // Node asks its own list alone unless NODE_EXTRA_CA_CERTS says more; behind a company's proxy only the machine's list has the issuer.
  const trusted = { ca: [...getCACertificates('default'), ...getCACertificates('system')] };
  const proxies = new EnvHttpProxyAgent({ connect: trusted, requestTls: trusted });
  const get = (address: URL, withinMs: number) =>
    answerOf(address, index, proxies, AbortSignal.any([interrupted, AbortSignal.timeout(withinMs)]));
  try {
    const page = await get(new URL(`${index.pathname.replace(/\/*$/, '')}/${file.project}/`, index), INDEX_MS);
    const address = await addressIn(page, file);
    const { body } = await get(address, DOWNLOAD_MS);
    if (body === null) throw new Error(`${address.host} gave an empty ${file.name}`);
    const sha256 = await save(Readable.fromWeb(body), destination);
    if (sha256 !== file.sha256) {
      throw new Error(
        `${address.host} gave a ${file.name} of SHA-256 ${sha256} where ${file.sha256} is pinned: not used`,
      );
    }
    return address.host;
  } finally {
    await proxies.destroy();
  }
}

/** As pip reads it: the environment, then the user's file, then the machine's. */
function indexUrl(): URL {
  const files = [
    ...['.config/pip/pip.conf', '.pip/pip.conf'].map((file) => join(process.env.HOME ?? '/', file)),
    '/etc/pip.conf',
  ];
  const named = files.filter((file) => existsSync(file)).map((file) => indexIn(readFileSync(file, 'utf8')));
  return new URL(process.env.PIP_INDEX_URL || named.find((url) => url !== null) || PYPI);
}

function indexIn(configuration: string): string | null {
  const [, section = ''] = /^\[global\]$([^[]*)/m.exec(configuration) ?? [];
  return /^index[-_]url\s*[=:]\s*(\S+)/m.exec(section)?.[1] ?? null;
}

/** A password in the index's address, which fetch would refuse, is sent to the index's own origin alone. */
async function answerOf(address: URL, index: URL, dispatcher: Dispatcher, signal: AbortSignal): Promise<Response> {
  const { username, password, origin } = index;
  const bare = new URL(address);
  bare.username = '';
  bare.password = '';
  const credentials = btoa(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
  const isForIndex = username !== '' && bare.origin === origin;
  const headers = { accept: FORMATS, ...(isForIndex ? { authorization: `Basic ${credentials}` } : {}) };
  const answer = await fetch(bare, { headers, dispatcher, signal }).catch((error: Error & { cause?: Error }) => {
    throw new Error(`${bare.host}: ${error.cause?.message ?? error.message}`);
  });
  if (!answer.ok) throw new Error(`${bare.href} answers ${answer.status}`);
  return answer;
}

async function addressIn(page: Response, { name, project }: PinnedFile): Promise<URL> {
  const isJson = page.headers.get('content-type')?.includes('json') === true;
  const address = isJson ? fileIn(await page.json(), name) : linkIn(await page.text(), name);
  if (address === undefined) throw new Error(`${new URL(page.url).host} has no ${name} of ${project}`);
  return new URL(address, page.url);
}

function fileIn(page: unknown, name: string): string | undefined {
  const { files } = page as { files: readonly { readonly filename: string; readonly url: string }[] };
  return files.find(({ filename }) => filename === name)?.url;
}

function linkIn(page: string, name: string): string | undefined {
  const links = [...page.matchAll(/<a\s[^>]*?href=["']([^"']+)["'][^>]*>\s*([^<]+?)\s*<\/a>/g)];
  return links.find(([, , text]) => text === name)?.[1]?.replaceAll('&amp;', '&');
}

async function save(body: Readable, destination: string): Promise<string> {
  const digest = createHash('sha256');
  const counted = async function* (pieces: AsyncIterable<Uint8Array>) {
    for await (const piece of pieces) {
      digest.update(piece);
      yield piece;
    }
  };
  await pipeline(body, counted, createWriteStream(destination));
  return digest.digest('hex');
}
