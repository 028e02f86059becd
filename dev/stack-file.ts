import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stateDir } from './paths.js';
import { commandLineOf } from './process-table.js';

export interface StackUrls {
  readonly commandApi: string;
  readonly queryApi: string;
  readonly relay: string;
  readonly orchestrator: string;
  readonly projector: string;
  readonly gateway: string;
}

export interface StackProcess {
  readonly name: string;
  readonly pid: number;
  /** As it was started; a process of that id with another command line is not ours. */
  readonly commandLine: string;
}

/** Where a running stack listens and what belongs to it. Written by the supervisor at every change, removed at the end. */
export interface StackFile {
  /** ISO 8601 UTC. */
  readonly startedAt: string;
  readonly state: 'starting' | 'running';
  readonly databaseUrl: string;
  readonly kafkaBrokers: readonly string[];
  readonly topicPrefix: string;
  readonly urls: StackUrls;
  /** In the order of their end: the supervisor, the apps, Kafka, PostgreSQL. */
  readonly processes: readonly StackProcess[];
  /** The payment gateway's own book, JSON lines. */
  readonly gatewayBook: string;
}

export function stackFilePath(directory = stateDir()): string {
  return join(directory, 'stack.json');
}

/** Throws, with a sentence for the terminal, when no stack is running from this checkout (or TIDEMARK_STATE_DIR). */
export function readStackFile(directory = stateDir()): StackFile {
  const file = findStackFile(directory);
  if (file === undefined)
    throw new Error(`No stack is running here (there is no ${stackFilePath(directory)}): start one with "npm start".`);
  const supervisor = file.processes.find(({ name }) => name === 'supervisor');
  if (supervisor !== undefined && !isOurs(supervisor)) {
    throw new Error(`The stack that ${stackFilePath(directory)} tells of is no longer running: start it again with "npm start".`);
  }
  return file;
}

/** Whatever the last start wrote, running or not. */
export function findStackFile(directory = stateDir()): StackFile | undefined {
  const path = stackFilePath(directory);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as StackFile) : undefined;
}

/** Replaces the whole file at once: a reader never sees half of it. */
export function writeStackFile(file: StackFile, directory = stateDir()): void {
  const path = stackFilePath(directory);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, `${JSON.stringify(file, null, 2)}\n`);
  renameSync(`${path}.new`, path);
}

export function removeStackFile(directory = stateDir()): void {
  rmSync(stackFilePath(directory), { force: true });
}

/** Whether this process of an earlier start is still there, and not another one that got its id since. */
export function isOurs({ pid, commandLine }: StackProcess): boolean {
  return commandLine !== '' && commandLineOf(pid) === commandLine;
}
