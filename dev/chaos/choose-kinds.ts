import type { FaultKind, Need } from './faults/fault.js';
import { fakeClockLibrary } from './stack/fake-clock.js';
import { NoProxyError, toxiproxyBinary } from './proxy/toxiproxy-binary.js';

export interface ChosenKinds {
  readonly kinds: readonly FaultKind[];
  /** undefined: there is none on this machine, or no chosen fault wants one. */
  readonly proxyBinary: string | undefined;
  /** undefined: there is none on this machine, or no chosen fault wants one. */
  readonly clockLibrary: string | undefined;
  /** What is not done, and why: lines for the terminal. */
  readonly leftOut: readonly string[];
}

/** The kinds whose name contains one of `wanted` (all without), as far as this machine can do them. Throws when `wanted` names nothing. */
export async function chooseKinds(
  all: readonly FaultKind[],
  wanted: readonly string[] | undefined,
  say: (line: string) => void,
): Promise<ChosenKinds> {
  const nothing = wanted?.find((name) => !all.some(({ kind }) => kind.includes(name)));
  if (nothing !== undefined) throw new Error(`no fault is called "${nothing}"; there are: ${all.map(({ kind }) => kind).join(', ')}`);
  const chosen = all.filter(({ kind }) => wanted === undefined || wanted.some((name) => kind.includes(name)));
  const missing = new Map<Need, string>();
  let proxyBinary: string | undefined;
  if (chosen.some(({ needs }) => needs === 'proxy')) {
    try {
      proxyBinary = await toxiproxyBinary(() => say('  building the proxy, once (half a minute) …'));
    } catch (error) {
      if (!(error instanceof NoProxyError)) throw error;
      missing.set('proxy', error.message);
    }
  }
  const clockLibrary = chosen.some(({ needs }) => needs === 'clock') ? fakeClockLibrary() : undefined;
  if (clockLibrary === undefined) missing.set('clock', 'libfaketime (a package of Debian) is not installed');
  const leftOut = [...missing].flatMap(([need, why]) => {
    const kinds = chosen.filter(({ needs }) => needs === need).map(({ kind }) => kind);
    return kinds.length === 0 ? [] : `left out, because ${why}: ${kinds.join(', ')}`;
  });
  return { kinds: chosen.filter(({ needs }) => needs === undefined || !missing.has(needs)), proxyBinary, clockLibrary, leftOut };
}
