import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const LIBRARY = 'libfaketimeMT.so.1';

/** The library that Debian's package `libfaketime` brings; undefined where it is not installed. */
export function fakeClockLibrary(): string | undefined {
  const folders = ['/usr/lib', '/usr/local/lib']
    .filter(existsSync)
    .flatMap((lib) => [lib, ...readdirSync(lib).map((name) => join(lib, name))]);
  return folders.map((folder) => join(folder, 'faketime', LIBRARY)).find(existsSync);
}

/** The wall clock of one process, which can be moved while it runs; what measures durations goes on evenly. */
export class FakeClock {
  constructor(
    private readonly library: string,
    private readonly file: string,
  ) {
    this.set(0);
  }

  /** Variables for the process. */
  get env(): Record<string, string> {
    return {
      LD_PRELOAD: this.library,
      FAKETIME_TIMESTAMP_FILE: this.file,
      // How late a jump is noticed, seconds.
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
    };
  }

  set(offsetSeconds: number): void {
    writeFileSync(this.file, `${offsetSeconds < 0 ? '' : '+'}${offsetSeconds}\n`);
  }
}
