import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';

export interface ProcessSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Standard output and error are appended here. */
  readonly logFile: string;
  /** Run as this user (only root may). */
  readonly uid?: number;
  readonly gid?: number;
  /** In a process group of its own, so that a terminal's Ctrl-C does not reach it and its owner decides the order of the end. */
  readonly ownGroup?: boolean;
}

export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * A child process with its log file and its end.
 *
 * - `exited` resolves once, however the process ended; it never rejects.
 * - `stop` asks with one signal and kills after the deadline; it resolves only when the process is gone.
 */
export class ManagedProcess {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  readonly exited: Promise<ProcessExit>;
  exit: ProcessExit | undefined;

  private constructor(name: string, pid: number, logFile: string, exited: Promise<ProcessExit>) {
    this.name = name;
    this.pid = pid;
    this.logFile = logFile;
    this.exited = exited.then((exit) => (this.exit = exit));
  }

  /** Throws when the command cannot be started at all. */
  static async start(spec: ProcessSpec): Promise<ManagedProcess> {
    mkdirSync(dirname(spec.logFile), { recursive: true });
    const log = openSync(spec.logFile, 'a');
    try {
      const child = spawn(spec.command, spec.args, {
        cwd: spec.cwd,
        env: spec.env ?? process.env,
        stdio: ['ignore', log, log],
        detached: spec.ownGroup ?? false,
        ...(spec.uid !== undefined && { uid: spec.uid, gid: spec.gid }),
      });
      await new Promise<void>((resolve, reject) => {
        child.once('spawn', resolve);
        child.once('error', (error) => reject(new Error(`${spec.name} could not be started: ${error.message}`)));
      });
      const exited = new Promise<ProcessExit>((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
      return new ManagedProcess(spec.name, child.pid!, spec.logFile, exited);
    } finally {
      closeSync(log);
    }
  }

  get running(): boolean {
    return this.exit === undefined;
  }

  /** False when it is gone already. */
  kill(signal: NodeJS.Signals): boolean {
    if (!this.running) return false;
    try {
      return process.kill(this.pid, signal);
    } catch {
      return false;
    }
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM', deadlineMs = 15_000): Promise<ProcessExit> {
    this.kill(signal);
    const timer = setTimeout(() => this.kill('SIGKILL'), deadlineMs);
    try {
      return await this.exited;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The last lines of its log, for a message about why it ended. */
  logTail(lines = 12): string {
    return readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  }
}

/**
 * Polls `probe` until it answers true. Throws after `deadlineMs`, or at once when the process has ended, with the end of its log.
 * A probe that throws counts as not yet.
 */
export async function waitUntilReady(
  child: ManagedProcess,
  probe: () => Promise<boolean>,
  deadlineMs: number,
  everyMs = 50,
): Promise<void> {
  const giveUpAt = Date.now() + deadlineMs;
  let last = 'no answer';
  while (Date.now() < giveUpAt) {
    if (!child.running) throw new Error(`${child.name} ended while starting; the end of ${child.logFile}:\n${child.logTail()}`);
    try {
      if (await probe()) return;
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
    }
    await Promise.race([new Promise((resolve) => setTimeout(resolve, everyMs)), child.exited]);
  }
  throw new Error(`${child.name} was not ready after ${deadlineMs / 1000} s (${last}); its log is ${child.logFile}`);
}
