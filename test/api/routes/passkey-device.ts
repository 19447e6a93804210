// A device that makes passkeys and signs with them, as WebAuthn says, in the page that somebody has open: what it does wrong, a test tells it to.
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

interface Options {
  readonly challenge: string;
  readonly rp: { readonly id: string };
  readonly user: { readonly id: string };
}

type Question = Pick<Options, 'challenge'> & { readonly rpId: string };

/** What may be otherwise than it should. */
interface Faults {
  readonly origin?: string;
  readonly relyingParty?: string;
  readonly isUnverified?: boolean;
  readonly userHandle?: string;
  readonly format?: string;
}

const USER_PRESENT = 0x01;
const USER_VERIFIED = 0x04;
const HAS_CREDENTIAL = 0x40;

export class PasskeyDevice {
  readonly id = randomBytes(32).toString('base64url');
  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  #origin = '';
  #userHandle = '';
  counter = 0;

  /** What /me/passkeys/confirm takes, of the options that it was given. */
  make(options: Options, origin: string, { format = 'none', ...faults }: Faults = {}) {
    this.#origin = origin;
    this.#userHandle = options.user.id;
    const credential = Buffer.from(this.id, 'base64url');
    const length = Buffer.from([0, credential.length]);
    const made = Buffer.concat([Buffer.alloc(16), length, credential, publicKeyOf(this.#keys.publicKey)]);
    const authData = this.#said(options.rp.id, HAS_CREDENTIAL, faults, made);
    const attestation = cborMap([
      [cborText('fmt'), cborText(format)],
      [cborText('attStmt'), cborMap([])],
      [cborText('authData'), cborBytes(authData)],
    ]);
    const clientDataJSON = this.#asked('webauthn.create', options, faults);
    return { id: this.id, clientDataJSON, attestationObject: attestation.toString('base64url') };
  }

  /** What /sign-ins/passkey takes, of the question that was asked. */
  sign(question: Question, faults: Faults = {}) {
    const clientDataJSON = this.#asked('webauthn.get', question, faults);
    const authData = this.#said(question.rpId, 0, faults);
    const asked = createHash('sha256').update(Buffer.from(clientDataJSON, 'base64url')).digest();
    const signature = sign('sha256', Buffer.concat([authData, asked]), this.#keys.privateKey);
    return {
      id: this.id,
      clientDataJSON,
      authenticatorData: authData.toString('base64url'),
      signature: signature.toString('base64url'),
      userHandle: faults.userHandle ?? this.#userHandle,
    };
  }

  #asked(type: string, { challenge }: Pick<Options, 'challenge'>, { origin = this.#origin }: Faults): string {
    const asked = { type, challenge, origin, crossOrigin: false };
    return Buffer.from(JSON.stringify(asked)).toString('base64url');
  }

  #said(relyingParty: string, flags: number, faults: Faults, rest = Buffer.alloc(0)): Buffer {
    const site = createHash('sha256')
      .update(faults.relyingParty ?? relyingParty)
      .digest();
    const verified = faults.isUnverified === true ? 0 : USER_VERIFIED;
    const counted = Buffer.alloc(4);
    counted.writeUInt32BE(this.counter);
    return Buffer.concat([site, Buffer.from([flags | USER_PRESENT | verified]), counted, rest]);
  }
}

/** As COSE has it: an elliptic curve (1: 2), ES256 (3: -7), P-256 (-1: 1). */
function publicKeyOf(publicKey: KeyObject): Buffer {
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const [byX, byY] = [Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')];
  return cborMap([
    [Buffer.from([0x01]), Buffer.from([0x02])],
    [Buffer.from([0x03]), Buffer.from([0x26])],
    [Buffer.from([0x20]), Buffer.from([0x01])],
    [Buffer.from([0x21]), cborBytes(byX)],
    [Buffer.from([0x22]), cborBytes(byY)],
  ]);
}

function cborMap(pairs: readonly (readonly [Buffer, Buffer])[]): Buffer {
  return Buffer.concat([Buffer.from([0xa0 | pairs.length]), ...pairs.flat()]);
}

/** Of 24 to 255. */
function cborBytes(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x58, bytes.length]), bytes]);
}

function cborText(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x60 | text.length]), Buffer.from(text)]);
}
