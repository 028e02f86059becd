/**
 * tidemark.append: many requests for many streams in one round trip, each with its own verdict. Answers a row only for a request that
 * was not appended. Meant for READ COMMITTED, where each statement sees what was committed while the one before it waited.
 *
 * Arguments are parallel arrays: of requests (p_correlation … p_body), of distinct streams, of writes (ascending by request) and of
 * events (ascending by write). `p_key_owner[r]` is the first request of the call with r's idempotency key, 0 without a command;
 * `p_stream_total[s]` is, for a stream that some write expects at version 0, its version when all writes to it are accepted (at least
 * 1), else 0.
 *
 * Locks. (1) Command rows, in key order: whoever holds the same key is waited for, then read. (2) Missing heads, in stream order.
 * (3) Existing heads, in stream order. No deadlock: a transaction in a later phase never waits for one in an earlier phase (what that
 * one holds is uncommitted and was already met, or is not wanted), and within a phase all go in one order.
 *
 * Measured choices: a new head is inserted at the version it will have, so that the usual case writes it once, and a call of new streams
 * alone has nothing to look up or to move; arrays are subscripted instead of unnested and joined (plpgsql keeps them expanded: O(1) each);
 * existing heads are looked up with = ANY, one pass of the index (2 µs a head instead of 8), and matched by their order. Planning is done
 * once a session (0.8 ms of CPU instead of 1.3 for a call of two requests), and the other settings leave only index look-ups, because a
 * plan made while the tables were empty must not scan them when they are not.
 *
 * A lock that cannot be had in time ends the call (55P03), so that one stream somebody holds does not hold up all others for as long:
 * GroupCommit then goes on without it.
 */
export const APPEND_FUNCTION = `
CREATE FUNCTION tidemark.append(
  p_correlation uuid[], p_causation uuid[], p_actor text[], p_traceparent text[], p_caused_by uuid[],
  p_key_owner integer[], p_command_id uuid[], p_name text[], p_key text[], p_fingerprint text[],
  p_status integer[], p_headers jsonb[], p_body jsonb[],
  p_stream text[], p_stream_total integer[],
  p_write_request integer[], p_write_stream integer[], p_write_expected integer[], p_write_count integer[],
  p_event_write integer[], p_event_ordinal integer[], p_event_id uuid[], p_event_type text[], p_event_schema smallint[],
  p_event_data jsonb[], p_event_occurred timestamptz[]
)
RETURNS TABLE (
  request integer, outcome text, stream_id text, expected_version integer, actual_version integer,
  command_id uuid, status integer, headers jsonb, body jsonb
)
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET lock_timeout = '1500ms'
AS $$
#variable_conflict use_column
DECLARE
  n_requests CONSTANT integer := cardinality(p_actor);
  n_streams CONSTANT integer := cardinality(p_stream);
  n_writes CONSTANT integer := cardinality(p_write_request);
  n_events CONSTANT integer := cardinality(p_event_write);
  v_owners integer := 0;
  v_taken text[];                                                  -- keys whose command row this call inserted
  v_holder integer[] := array_fill(0, ARRAY[n_requests]);          -- by owner: which request has the key now; 0 none, -1 an earlier call
  v_decided boolean[] := array_fill(false, ARRAY[n_requests]);
  v_new integer;                                                   -- heads that may have to be inserted
  v_new_heads text[] := '{}';
  v_created boolean[];                                             -- by stream: this call inserted its head
  v_existing text[];                                               -- the other streams …
  v_order integer[];                                               -- … and which they are, in the order of their ids
  v_version integer[] := array_fill(0, ARRAY[n_streams]);          -- by stream: where it stands after the requests so far
  v_base integer[] := array_fill(-1, ARRAY[n_writes]);             -- by write: version before its first event; -1 not accepted
  v_freed integer[] := '{}';                                       -- requests whose command row must go again
  v_heirs integer[] := '{}';                                       -- requests that take over a freed key
  v_refused boolean := false;
  v_stored record;
  v_index integer;
  v_found integer;
  v_first integer;
  v_at integer;
  v_owner integer;
  r integer;
  w integer := 1;
BEGIN
  FOREACH v_owner IN ARRAY p_key_owner LOOP
    IF v_owner > 0 THEN v_owners := v_owners + 1; v_holder[v_owner] := v_owner; END IF;
  END LOOP;

  IF v_owners > 0 THEN
    WITH inserted AS (
      INSERT INTO tidemark.commands (command_id, idempotency_key, fingerprint, name, actor, correlation_id, status, headers, body)
      SELECT p_command_id[i], p_key[i], p_fingerprint[i], p_name[i], p_actor[i], p_correlation[i], p_status[i], p_headers[i], p_body[i]
      FROM generate_series(1, n_requests) AS i
      WHERE p_key_owner[i] = i
      ORDER BY p_key[i] COLLATE "C"
      ON CONFLICT DO NOTHING
      RETURNING idempotency_key
    )
    SELECT coalesce(array_agg(idempotency_key), '{}') INTO v_taken FROM inserted;

    IF cardinality(v_taken) < v_owners THEN
      FOR r IN 1 .. n_requests LOOP
        v_owner := p_key_owner[r];
        CONTINUE WHEN v_owner = 0 OR p_key[r] = ANY (v_taken);
        v_holder[v_owner] := -1;
        v_decided[r] := true;
        v_refused := true;
        -- Finds nothing when the command id, not the key, was used before: then it is another command all the same.
        SELECT c.* INTO v_stored FROM tidemark.commands c WHERE c.idempotency_key = p_key[r];
        IF v_stored.fingerprint = p_fingerprint[r] THEN
          RETURN QUERY SELECT r, 'repeated', NULL::text, NULL::integer, NULL::integer,
            v_stored.command_id, v_stored.status, v_stored.headers, v_stored.body;
        ELSE
          RETURN QUERY SELECT r, 'key-reused', NULL::text, NULL::integer, NULL::integer,
            NULL::uuid, NULL::integer, NULL::jsonb, NULL::jsonb;
        END IF;
      END LOOP;
    END IF;
  END IF;

  v_new := n_streams - cardinality(array_positions(p_stream_total, 0));
  IF v_new > 0 THEN
    WITH inserted AS (
      INSERT INTO tidemark.streams (stream_id, version)
      SELECT p_stream[i], p_stream_total[i]
      FROM generate_series(1, n_streams) AS i
      WHERE p_stream_total[i] > 0
      ORDER BY p_stream[i] COLLATE "C"
      ON CONFLICT DO NOTHING
      RETURNING stream_id
    )
    SELECT coalesce(array_agg(stream_id), '{}') INTO v_new_heads FROM inserted;
  END IF;

  IF cardinality(v_new_heads) = n_streams THEN
    v_created := array_fill(true, ARRAY[n_streams]);
  ELSE
    SELECT array_agg(p_stream_total[i] > 0 AND (v_new = cardinality(v_new_heads) OR p_stream[i] = ANY (v_new_heads)) ORDER BY i)
      INTO v_created FROM generate_series(1, n_streams) AS i;
    SELECT array_agg(i ORDER BY p_stream[i] COLLATE "C"), array_agg(p_stream[i])
      INTO v_order, v_existing FROM generate_series(1, n_streams) AS i WHERE NOT v_created[i];
    v_at := 1;
    FOR v_stored IN
      SELECT s.stream_id, s.version
      FROM tidemark.streams s
      WHERE s.stream_id = ANY (v_existing)
      ORDER BY s.stream_id
      FOR NO KEY UPDATE OF s
    LOOP
      WHILE p_stream[v_order[v_at]] <> v_stored.stream_id LOOP v_at := v_at + 1; END LOOP;
      v_version[v_order[v_at]] := v_stored.version;
    END LOOP;
  END IF;

  FOR r IN 1 .. n_requests LOOP
    v_owner := p_key_owner[r];
    IF NOT v_decided[r] AND v_owner <> r AND v_owner > 0 AND v_holder[v_owner] > 0 THEN
      v_at := v_holder[v_owner];
      v_decided[r] := true;
      v_refused := true;
      IF p_fingerprint[v_at] = p_fingerprint[r] THEN
        RETURN QUERY SELECT r, 'repeated', NULL::text, NULL::integer, NULL::integer,
          p_command_id[v_at], p_status[v_at], p_headers[v_at], p_body[v_at];
      ELSE
        RETURN QUERY SELECT r, 'key-reused', NULL::text, NULL::integer, NULL::integer,
          NULL::uuid, NULL::integer, NULL::jsonb, NULL::jsonb;
      END IF;
    END IF;

    v_first := w;
    WHILE w <= n_writes AND p_write_request[w] = r LOOP
      IF NOT v_decided[r] THEN
        v_index := p_write_stream[w];
        IF v_version[v_index] = p_write_expected[w] THEN
          v_base[w] := p_write_expected[w];
          v_version[v_index] := p_write_expected[w] + p_write_count[w];
        ELSE
          v_decided[r] := true;
          v_refused := true;
          RETURN QUERY SELECT r, 'conflict', p_stream[v_index], p_write_expected[w], v_version[v_index],
            NULL::uuid, NULL::integer, NULL::jsonb, NULL::jsonb;
          -- All or nothing: take back what this request's earlier writes were granted.
          FOR v_at IN REVERSE w - 1 .. v_first LOOP
            v_version[p_write_stream[v_at]] := v_base[v_at];
            v_base[v_at] := -1;
          END LOOP;
          IF v_owner = r THEN v_freed := v_freed || r; END IF;
          IF v_owner > 0 THEN v_holder[v_owner] := 0; END IF;
        END IF;
      END IF;
      w := w + 1;
    END LOOP;

    IF NOT v_decided[r] AND v_owner > 0 AND v_owner <> r THEN
      v_holder[v_owner] := r;
      v_heirs := v_heirs || r;
    END IF;
  END LOOP;

  IF n_events > 0 THEN
    WITH stored AS (
      INSERT INTO tidemark.events (
        stream_id, version, event_id, type, schema_version, data, occurred_at,
        correlation_id, causation_id, actor, command_id, traceparent
      )
      SELECT
        p_stream[p_write_stream[e.w]], v_base[e.w] + p_event_ordinal[e.i], p_event_id[e.i], p_event_type[e.i], p_event_schema[e.i],
        p_event_data[e.i], p_event_occurred[e.i], p_correlation[e.r], p_causation[e.r], p_actor[e.r], p_caused_by[e.r], p_traceparent[e.r]
      FROM (
        SELECT i, p_event_write[i] AS w, p_write_request[p_event_write[i]] AS r FROM generate_series(1, n_events) AS i
      ) AS e
      WHERE v_base[e.w] >= 0
      ORDER BY e.i
      RETURNING position, stream_id
    )
    INSERT INTO tidemark.outbox (shard, position, stream_id)
    SELECT (hashtextextended(stream_id, 0) & 15)::smallint, position, stream_id FROM stored;
  END IF;

  -- New heads already stand where all writes leave them.
  IF v_refused OR cardinality(v_new_heads) < n_streams THEN
    UPDATE tidemark.streams s SET version = v_version[i]
    FROM generate_series(1, n_streams) AS i
    WHERE s.stream_id = p_stream[i]
      AND (NOT v_created[i] OR v_version[i] <> p_stream_total[i])
      AND v_version[i] > 0
      AND s.version <> v_version[i];
  END IF;

  IF 0 = ANY (v_version) THEN
    DELETE FROM tidemark.streams s
    USING generate_series(1, n_streams) AS i
    WHERE v_created[i] AND v_version[i] = 0 AND s.stream_id = p_stream[i];
  END IF;

  IF v_refused THEN
    DELETE FROM tidemark.commands c USING unnest(v_freed) AS f (r) WHERE c.idempotency_key = p_key[f.r];

    INSERT INTO tidemark.commands (command_id, idempotency_key, fingerprint, name, actor, correlation_id, status, headers, body)
    SELECT p_command_id[h.r], p_key[h.r], p_fingerprint[h.r], p_name[h.r], p_actor[h.r], p_correlation[h.r],
      p_status[h.r], p_headers[h.r], p_body[h.r]
    FROM unnest(v_heirs) AS h (r);
  END IF;
END
$$
`;
