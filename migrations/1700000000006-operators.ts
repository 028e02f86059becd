import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What operators do: a record of every act that nobody can change, and what an act about a parked fulfilment leaves in its read model. */
export class Operators1700000000006 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // What an operator set out to do. What came of it are the effects; both are only ever added to.
    await runner.query(`
      CREATE TABLE tidemark.operator_acts (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        id uuid NOT NULL UNIQUE,
        app text NOT NULL,
        act text NOT NULL,
        actor text NOT NULL,
        reason text NOT NULL,
        subject text,
        filter jsonb,
        details jsonb,
        matched integer NOT NULL CHECK (matched >= 0),
        acted_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
        CHECK ((subject IS NULL) <> (filter IS NULL))
      )
    `);
    // Written in the transaction that carries the act out, for each thing it was carried out on.
    await runner.query(`
      CREATE TABLE tidemark.operator_act_effects (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        act_id uuid NOT NULL REFERENCES tidemark.operator_acts (id),
        subject text NOT NULL,
        outcome text NOT NULL CHECK (outcome IN ('done', 'refused')),
        code text,
        detail text,
        recorded_at timestamptz(3) NOT NULL DEFAULT clock_timestamp()
      )
    `);
    await runner.query('CREATE INDEX operator_act_effects_act ON tidemark.operator_act_effects (act_id, outcome)');
    await runner.query('CREATE INDEX operator_act_effects_subject ON tidemark.operator_act_effects (subject)');
    await runner.query(`
      CREATE FUNCTION tidemark.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION 'tidemark.% is only ever added to', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
      END
      $$
    `);
    for (const table of ['operator_acts', 'operator_act_effects']) {
      await runner.query(`
        CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON tidemark.${table}
        FOR EACH STATEMENT EXECUTE FUNCTION tidemark.refuse_change()
      `);
    }

    // What a consumer holds, by code and age, without looking at all that was ever resolved.
    await runner.query(`
      CREATE INDEX consumer_dead_letters_held_code
        ON tidemark.consumer_dead_letters (group_id, code, recorded_at) WHERE state = 'held'
    `);

    await runner.query(`
      ALTER TABLE read.fulfilments
        ADD COLUMN resolved_step text,
        ADD COLUMN resolved_outcome text,
        ADD COLUMN resolved_evidence text,
        ADD COLUMN resolved_reference text,
        ADD COLUMN resolved_by text,
        ADD COLUMN resolved_at timestamptz(3)
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations are forward-only: restore a backup, or write a migration that goes forward.');
  }
}
