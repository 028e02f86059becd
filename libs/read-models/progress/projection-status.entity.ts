import { Column, Entity, PrimaryColumn } from 'typeorm';
import { moment, text, whole } from '../columns.js';

/** How far a projection is, for people and for freshness headers. Not part of what a rebuild compares. */
@Entity({ schema: 'read', name: 'projection_status' })
export class ProjectionStatusRow {
  @PrimaryColumn(text('projection'))
  projection: string;

  /** Events applied by the live projector since the tables were made; duplicates are not counted. */
  @Column(whole('events'))
  events: number;

  /** Newest recorded-at among the applied events. */
  @Column(moment('newest_recorded_at'))
  newestRecordedAt: Date;

  /** When the last batch was applied (server clock of the projector). */
  @Column(moment('applied_at'))
  appliedAt: Date;

  /** Milliseconds between recorded-at of the newest event of the last batch and its application. */
  @Column(whole('lag_ms'))
  lagMs: number;
}
