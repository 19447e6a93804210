// Object storage that speaks as much S3 as backups need, and is strict: each request must be signed (Signature Version 4), each body must be
// what its checksums say, and a credential may do what it is for. It can break off, refuse, and answer 200 and lose the object. With a folder of its own
// it may be killed: what it has said that it has is there when it comes back, and an upload that was under way is not.
import { createHash, createHmac, randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

export const WRITER = { id: 'writer', secret: 'writer-secret' };
export const REMOVER = { id: 'remover', secret: 'remover-secret' };
const SECRETS: Readonly<Record<string, string>> = { [WRITER.id]: WRITER.secret, [REMOVER.id]: REMOVER.secret };
const BUCKET = '/backups/';
const SMALLEST_PART_BYTES = 5_242_880;
const DRAFT = '.draft';

export interface FakeS3 {
  readonly url: string;
  readonly objects: Map<string, Buffer>;
  /** Begun and neither ended nor abandoned. */
  readonly uploads: Map<string, { readonly object: string; readonly parts: Map<number, Buffer> }>;
  /** What becomes of the next ones that write. */
  trouble: 'none' | 'loses' | 'cuts' | 'full' | 'silent';
  /** Until when each object that was put with a lock may not be removed. */
  readonly lockedUntil: Map<string, Date>;
  close(): void;
}

interface Asked {
  readonly method: string;
  readonly object: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

interface Answer {
  readonly status: number;
  readonly body?: string | Buffer;
  readonly headers?: Record<string, string>;
}

interface Place {
  /** 0: any free one. */
  readonly port: number;
  /** Null: what it holds goes with it. */
  readonly folder: string | null;
}

export async function startFakeS3({ port, folder }: Place = { port: 0, folder: null }): Promise<FakeS3> {
  const store: FakeS3 = {
    url: '',
    objects: folder === null ? new Map() : new KeptObjects(folder),
    uploads: new Map(),
    trouble: 'none',
    lockedUntil: new Map(),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  const server = createServer((request, response) => void serve(store, request, response));
  await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening));
  return Object.assign(store, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

/** Each in a file of its own, which is whole or not there. */
class KeptObjects extends Map<string, Buffer> {
  readonly #folder: string;

  constructor(folder: string) {
    super();
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
    for (const file of readdirSync(folder).filter((name) => !name.endsWith(DRAFT)))
      super.set(decodeURIComponent(file), readFileSync(join(folder, file)));
  }

  override set(object: string, bytes: Buffer): this {
    const file = this.#fileOf(object);
    writeFileSync(`${file}${DRAFT}`, bytes);
    renameSync(`${file}${DRAFT}`, file);
    return super.set(object, bytes);
  }

  override delete(object: string): boolean {
    rmSync(this.#fileOf(object), { force: true });
    return super.delete(object);
  }

  #fileOf(object: string): string {
    return join(this.#folder, encodeURIComponent(object));
  }
}

async function serve(store: FakeS3, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  const body = Buffer.concat(pieces);
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://s3');
  const asked: Asked = {
    method: request.method ?? 'GET',
    object: decodeURIComponent(pathname.startsWith(BUCKET) ? pathname.slice(BUCKET.length) : ''),
    query: searchParams,
    headers: request.headers,
    body,
  };
  if (store.trouble === 'silent') return;
  const isWrite = asked.method === 'PUT';
  if (isWrite && store.trouble === 'cuts') {
    request.socket.destroy();
    return;
  }
  const { status, body: answered = '', headers = {} } = problemOf(asked, pathname) ?? answer(store, asked);
  response
    .writeHead(status, { 'content-type': 'application/xml', ...headers })
    .end(asked.method === 'HEAD' ? '' : answered);
}

/** Null: it is signed, whole, and allowed. */
function problemOf(asked: Asked, pathname: string): Answer | null {
  const { headers, body, method } = asked;
  const { id, signature } = signatureOf(asked, pathname);
  if (id === null || signature !== /Signature=(\w+)/.exec(headers.authorization ?? '')?.[1]) {
    return failure(403, 'SignatureDoesNotMatch');
  }
  if (headers['x-amz-content-sha256'] !== createHash('sha256').update(body).digest('hex')) {
    return failure(400, 'XAmzContentSHA256Mismatch');
  }
  const checksum = headers['x-amz-checksum-crc32'];
  if (checksum !== undefined && checksum !== crcOf(body)) return failure(400, 'BadDigest');
  const removes = method === 'DELETE' && !asked.query.has('uploadId');
  return removes === (id === REMOVER.id) ? null : failure(403, 'AccessDenied');
}

function signatureOf({ method, query, headers, body }: Asked, pathname: string) {
  const [, id = '', date = '', region = '', signed = ''] =
    /Credential=([^/]+)\/(\d+)\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+)/.exec(headers.authorization ?? '') ??
    [];
  const secret = SECRETS[id];
  if (secret === undefined) return { id: null, signature: null };
  const encoded = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
  const sorted = [...query].map(([name, value]) => `${encoded(name)}=${encoded(value)}`).sort();
  const named = signed.split(';');
  const canonical = [
    method,
    pathname,
    sorted.join('&'),
    ...named.map((name) => `${name}:${String(headers[name] ?? '').trim()}`),
    '',
    signed,
    headers['x-amz-content-sha256'] ?? createHash('sha256').update(body).digest('hex'),
  ].join('\n');
  const scope = `${date}/${region}/s3/aws4_request`;
  const toSign = [
    'AWS4-HMAC-SHA256',
    headers['x-amz-date'],
    scope,
    createHash('sha256').update(canonical).digest('hex'),
  ];
  const chained = [date, region, 's3', 'aws4_request'].reduce(
    (signing: Buffer | string, part) => createHmac('sha256', signing).update(part).digest(),
    `AWS4${secret}`,
  );
  return { id, signature: createHmac('sha256', chained).update(toSign.join('\n')).digest('hex') };
}

function answer(store: FakeS3, asked: Asked): Answer {
  const { method, query, object } = asked;
  if (method === 'PUT' && store.trouble === 'full') return failure(507, 'InsufficientStorage');
  if (query.has('uploads')) return method === 'POST' ? begin(store, object) : listUploads(store, query);
  if (query.has('uploadId')) return ofUpload(store, asked);
  if (method === 'GET' && object === '') return list(store, query);
  if (method === 'PUT') return put(store, asked, asked.body);
  if (method === 'DELETE') return remove(store, object);
  const found = store.objects.get(object);
  if (found === undefined) return failure(404, 'NoSuchKey');
  return { status: 200, body: found, headers: { 'content-length': String(found.length) } };
}

function begin(store: FakeS3, object: string): Answer {
  const uploadId = randomUUID();
  store.uploads.set(uploadId, { object, parts: new Map() });
  return xml('InitiateMultipartUploadResult', `<UploadId>${uploadId}</UploadId>`);
}

function listUploads(store: FakeS3, query: URLSearchParams): Answer {
  const begun = [...store.uploads].filter(([, { object }]) => object.startsWith(query.get('prefix') ?? ''));
  const told = begun.map(([id, { object }]) => `<Upload><Key>${object}</Key><UploadId>${id}</UploadId></Upload>`);
  return xml('ListMultipartUploadsResult', told.join(''));
}

function ofUpload(store: FakeS3, { method, query, body, headers }: Asked): Answer {
  const id = query.get('uploadId') ?? '';
  const upload = store.uploads.get(id);
  if (upload === undefined) return failure(404, 'NoSuchUpload');
  if (method === 'DELETE') {
    store.uploads.delete(id);
    return { status: 204 };
  }
  if (method === 'PUT') {
    upload.parts.set(Number(query.get('partNumber')), body);
    return { status: 200, headers: { etag: etagOf(body), 'x-amz-checksum-crc32': crcOf(body) } };
  }
  const named = [...body.toString().matchAll(/<Part>.*?<\/Part>/gs)].map(([part]) => part);
  const parts = [...upload.parts].sort(([a], [b]) => a - b).map(([, part]) => part);
  const isAsNamed =
    parts.length === named.length && named.every((part, at) => part.includes(crcOf(parts[at] ?? Buffer.alloc(0))));
  if (!isAsNamed) return failure(400, 'InvalidPart');
  if (parts.slice(0, -1).some((part) => part.length < SMALLEST_PART_BYTES)) return failure(400, 'EntityTooSmall');
  store.uploads.delete(id);
  const stored = put(store, { object: upload.object, headers }, Buffer.concat(parts));
  return stored.status === 200 ? xml('CompleteMultipartUploadResult', `<Key>${upload.object}</Key>`) : stored;
}

function put(store: FakeS3, { object, headers }: Pick<Asked, 'object' | 'headers'>, body: Buffer): Answer {
  if (store.trouble !== 'loses') store.objects.set(object, body);
  const until = headers['x-amz-object-lock-retain-until-date'];
  if (typeof until === 'string') store.lockedUntil.set(object, new Date(until));
  return { status: 200, headers: { etag: etagOf(body) } };
}

function remove(store: FakeS3, object: string): Answer {
  if ((store.lockedUntil.get(object)?.getTime() ?? 0) > Date.now()) return failure(403, 'AccessDenied');
  store.objects.delete(object);
  return { status: 204 };
}

/** Two a page, so that pages are followed. */
function list(store: FakeS3, query: URLSearchParams): Answer {
  const after = query.get('continuation-token') ?? '';
  const found = [...store.objects.keys()]
    .filter((name) => name.startsWith(query.get('prefix') ?? '') && name > after)
    .sort();
  const page = found.slice(0, 2);
  const more =
    found.length > 2 ? `<IsTruncated>true</IsTruncated><NextContinuationToken>${page[1]}</NextContinuationToken>` : '';
  return xml('ListBucketResult', more + page.map((name) => `<Contents><Key>${name}</Key></Contents>`).join(''));
}

function crcOf(body: Buffer): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(body));
  return bytes.toString('base64');
}

function etagOf(body: Buffer): string {
  return `"${createHash('md5').update(body).digest('hex')}"`;
}

function xml(name: string, content: string): Answer {
  return {
    status: 200,
    body: `<?xml version="1.0"?><${name} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${content}</${name}>`,
  };
}

function failure(status: number, code: string): Answer {
  return { status, body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>` };
}
