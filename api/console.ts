// The console as browsers get it: the files that `npm run build:console` made, read once, so that nobody waits for a disk and nothing
// but these files can be asked for. What a page may load and reach is said by one policy, which allows nothing inline (D93).
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join, sep } from 'node:path';
import type { RequestHandler } from 'express';
import type { Log } from '../services/platform/log.ts';
import { htmlPage, pageHeaders } from './pages/page-frame.ts';
import { methodNotAllowed } from './routes/paths.ts';

const MOUNTED_AT = '/console';
const PAGE = '/index.html';

const MEDIA_TYPES: ReadonlyMap<string, string> = new Map([
  ['.html', 'text/html; charset=utf-8'],
  ['.js', 'text/javascript; charset=utf-8'],
  ['.css', 'text/css; charset=utf-8'],
  ['.svg', 'image/svg+xml'],
]);

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  // Forms are sent by the script. Should it fail, no browser may send a password in an address.
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

const HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'x-robots-tag': 'noindex',
  vary: 'accept-encoding',
};

interface BuiltFile {
  readonly mediaType: string;
  readonly cacheControl: string;
  readonly bytes: { readonly [E in Encoding | 'identity']: Buffer };
}

/** The smallest first; compressed by the build, so that a gateway which starts again does not have to. */
const ENCODINGS = ['br', 'gzip'] as const;
type Encoding = (typeof ENCODINGS)[number];
const SUFFIXES: { readonly [E in Encoding | 'identity']: string } = { br: '.br', gzip: '.gz', identity: '' };

/** By the path below /console. */
type ConsoleBuild = ReadonlyMap<string, BuiltFile>;

/** Null: nobody has built it. */
function readConsole(folder: string): ConsoleBuild | null {
  if (!existsSync(join(folder, PAGE))) return null;
  const files = new Map<string, BuiltFile>();
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const mediaType = MEDIA_TYPES.get(extname(file));
    if (mediaType === undefined) continue;
    const path = `/${file.split(sep).join('/')}`;
    const read = (encoding: keyof typeof SUFFIXES) => readFileSync(join(folder, file + SUFFIXES[encoding]));
    const bytes = { identity: read('identity'), br: read('br'), gzip: read('gzip') };
    files.set(path, { mediaType, cacheControl: cacheControlOf(path), bytes });
  }
  return files;
}

/** What lies in assets/ has a hash of its bytes in its name. */
function cacheControlOf(path: string): string {
  if (path === PAGE) return 'no-store';
  return path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache';
}

export function consolePages(build: ConsoleBuild | null): RequestHandler {
  return (req, res, next) => {
    if (req.path !== MOUNTED_AT && !req.path.startsWith(`${MOUNTED_AT}/`)) return next();
    if (req.method !== 'GET' && req.method !== 'HEAD') return methodNotAllowed(['GET', 'HEAD'])(req, res, next);
    res.set(HEADERS);
    if (build === null) {
      res
        .status(503)
        .set({ ...pageHeaders(), 'retry-after': '60' })
        .end(NOT_BUILT);
      return;
    }
    if (req.path === MOUNTED_AT) return res.redirect(308, `${MOUNTED_AT}/`);
    const file = fileAt(build, req.path.slice(MOUNTED_AT.length));
    if (file === undefined) return next();
    const encoding = ENCODINGS.find((one) => req.acceptsEncodings(one) === one);
    res.set({ 'content-type': file.mediaType, 'cache-control': file.cacheControl });
    if (encoding !== undefined) res.set('content-encoding', encoding);
    res.end(file.bytes[encoding ?? 'identity']);
  };
}

/** Of this checkout. */
export function openConsole(log: Log): RequestHandler {
  const build = readConsole(join(import.meta.dirname, '../console/dist'));
  if (build === null) log.warn('console_not_built');
  return consolePages(build);
}

/** Every address of a page leads to the one page, which looks at the address itself. Undefined: it is the name of a file that is not there. */
function fileAt(build: ConsoleBuild, path: string): BuiltFile | undefined {
  const isFile = path.startsWith('/assets/') || MEDIA_TYPES.has(extname(path));
  return build.get(isFile ? path : PAGE);
}

const NOT_BUILT = htmlPage(
  'en',
  'The console is not built',
  '<h1>The console is not built</h1>\n<p>Run <code>npm run build:console</code> in this installation and restart the gateway. The API works as ever.</p>',
);
