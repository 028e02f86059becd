import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { runningProcess, stallOf, until, type HitContext, type MadeHit } from './injector.js';
import type { GatePlace } from './kill-points.js';

/**
 * Triggers of this run's own database that hold up a transaction at a place inside the append, while the row of the place says whose:
 * before the first outbox row of events that are there already, and when everything is done but the commit.
 */
const INSTALL = `
  CREATE SCHEMA killpoints;
  CREATE TABLE killpoints.gates (place text PRIMARY KEY, ports integer[] NOT NULL DEFAULT '{}');
  INSERT INTO killpoints.gates (place) VALUES ('between-events-and-outbox'), ('before-commit');

  CREATE FUNCTION killpoints.wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    WHILE EXISTS (SELECT FROM killpoints.gates WHERE place = TG_ARGV[0] AND inet_client_port() = ANY (ports)) LOOP
      PERFORM pg_sleep(0.01);
    END LOOP;
    RETURN NEW;
  END $$;

  CREATE TRIGGER between_events_and_outbox BEFORE INSERT ON tidemark.outbox
    FOR EACH ROW EXECUTE FUNCTION killpoints.wait_at_gate('between-events-and-outbox');
  CREATE CONSTRAINT TRIGGER before_commit AFTER INSERT ON tidemark.outbox DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION killpoints.wait_at_gate('before-commit');
`;

const HIT_WITHIN_MS = 20_000;

/** Hits inside the append function, where the application only waits. */
export class AppendGate {
  private readonly pool: pg.Pool;

  constructor(databaseUrl: string) {
    this.pool = new pg.Pool({ connectionString: databaseUrl, max: 4, application_name: 'tidemark-killpoints' });
    this.pool.on('error', () => undefined);
  }

  async install(): Promise<void> {
    await this.pool.query(INSTALL);
  }

  /**
   * Holds a transaction of the instance at the place; then the process dies (`exit`), the database ends the session (`cut`), or it goes
   * on after a while (`stall`), with all that came there meanwhile.
   */
  async hit(place: GatePlace, { stack, instance, action, random, signal }: HitContext): Promise<MadeHit> {
    const service = instance!.name;
    const child = await runningProcess(stack, service, signal);
    await delay(random.between(0, 300), undefined, { signal }).catch(() => undefined);
    try {
      const held = await until(`no transaction of ${service} came to ${place}`, HIT_WITHIN_MS, signal, async () => {
        // A connection may be new since the last look.
        const ports = localPorts(child.pid);
        await this.pool.query('UPDATE killpoints.gates SET ports = $2 WHERE place = $1', [place, ports]);
        return await this.sleeper(ports);
      });
      const startedAt = Date.now();
      if (action === 'exit') {
        child.kill('SIGKILL');
        await child.exited;
      } else if (action === 'cut') {
        await this.pool.query('SELECT pg_terminate_backend($1)', [held]);
      } else {
        const stallMs = stallOf(random);
        await delay(stallMs, undefined, { signal }).catch(() => undefined);
        await this.open(place);
        return { startedAt, healedAt: Date.now(), note: `${stallMs} ms` };
      }
      return { startedAt, healedAt: Date.now() };
    } finally {
      await this.open(place);
    }
  }

  async close(): Promise<void> {
    await this.pool.end();
  }

  private async open(place: GatePlace): Promise<void> {
    await this.pool.query(`UPDATE killpoints.gates SET ports = '{}' WHERE place = $1`, [place]);
  }

  private async sleeper(ports: readonly number[]): Promise<number | undefined> {
    const { rows } = await this.pool.query<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE client_port = ANY ($1) AND wait_event = 'PgSleep' LIMIT 1`,
      [ports],
    );
    return rows[0]?.pid;
  }
}

/** Local ports of a process's TCP connections. */
function localPorts(pid: number): number[] {
  const inodes = new Set<string>();
  try {
    for (const fd of readdirSync(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${fd}`))?.[1];
      if (inode !== undefined) inodes.add(inode);
    }
  } catch {
    return [];
  }
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => inodes.has(fields[9] ?? ''))
    .map((fields) => Number.parseInt(fields[1]!.split(':')[1]!, 16));
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
