-- Lists in the order of their keys, filters by a beginning, and what is counted of each mark.

-- A key tells by 10 bytes which tenant, type and attribute it is of, and has the value behind them: so that one index answers
-- which resources have a value and which one that begins with a text, and has them in the order of the values. Of a value of more than 200
-- bytes it has the first 200, and 12 bytes of its SHA-256.
DROP FUNCTION ~hash(text, text, text);
CREATE FUNCTION ~hash(tenant text, type text, key text) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE AS $$
	SELECT substring(sha256(convert_to(tenant, 'UTF8')) FOR 6) ||
		substring(sha256(convert_to(type || chr(3) || split_part(key, chr(2), 1), 'UTF8')) FOR 4) ||
		CASE WHEN length(v) <= 200 THEN v ELSE substring(v FOR 200) || substring(sha256(v) FOR 12) END
	FROM convert_to(split_part(key, chr(2), 2), 'UTF8') v
$$;
DROP TABLE ~key;
-- The table has another name than before, so that a program of the version before, which makes other keys, fails and does no harm.
CREATE TABLE ~keys (
	key    bytea NOT NULL,
	id     text COLLATE "C" NOT NULL,
	uniq   boolean NOT NULL, -- no other resource of the tenant and type may have it uniquely
	tenant text COLLATE "C" NOT NULL
);
INSERT INTO ~keys (key, id, uniq, tenant)
SELECT ~hash(r.tenant, r.type, k.key), r.id, k.n <= r.uniques, r.tenant
FROM ~resource r CROSS JOIN LATERAL unnest(string_to_array(r.keys, chr(3))) WITH ORDINALITY k (key, n) WHERE r.keys <> '';
ALTER TABLE ~keys ADD CONSTRAINT #key_pkey PRIMARY KEY (key, id);
CREATE UNIQUE INDEX #key_unique ON ~keys (key) WHERE uniq;

-- Brings the rows in #keys up to date with the columns keys and uniques of a resource: most changes are of a key or none.
CREATE OR REPLACE FUNCTION ~rekey(of_tenant text, of_type text, of_id text, was text, was_uniques int, now text, now_uniques int)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	old text[] := string_to_array(was, chr(3));
	new text[] := string_to_array(now, chr(3));
	at  int;
BEGIN
	FOR i IN 1 .. cardinality(old) LOOP
		at := array_position(new, old[i]);
		IF at IS NULL OR (at <= now_uniques) <> (i <= was_uniques) THEN
			DELETE FROM ~keys WHERE key = ~hash(of_tenant, of_type, old[i]) AND id = of_id;
		END IF;
	END LOOP;
	FOR i IN 1 .. cardinality(new) LOOP
		at := array_position(old, new[i]);
		IF at IS NULL OR (at <= was_uniques) <> (i <= now_uniques) THEN
			INSERT INTO ~keys (key, id, uniq, tenant) VALUES (~hash(of_tenant, of_type, new[i]), of_id, i <= now_uniques, of_tenant);
		END IF;
	END LOOP;
END $$;

-- What a resource is marked with: t or f as it is active, - if it doesn't say, x if that can't be told; and its state in internal, if
-- that is a word of up to 32 letters, or an exclamation mark if it is something else.
ALTER TABLE ~resource ADD COLUMN mark text COLLATE "C" NOT NULL DEFAULT 'x!';
CREATE FUNCTION ~mark(attributes text, internal text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	active jsonb := NULLIF(attributes, '')::jsonb -> 'active';
	state  jsonb := NULLIF(internal, '')::jsonb -> 'state';
	word   text  := NULLIF(internal, '')::jsonb ->> 'state';
BEGIN
	RETURN CASE WHEN active IS NULL THEN '-' WHEN active = 'true' THEN 't' WHEN active = 'false' THEN 'f' ELSE 'x' END ||
		CASE WHEN state IS NULL THEN '' WHEN jsonb_typeof(state) = 'string' AND regexp_match(word, '^[a-z]{1,32}$') IS NOT NULL THEN word ELSE '!' END;
EXCEPTION WHEN OTHERS THEN
	RETURN 'x!';
END $$;
UPDATE ~resource SET mark = ~mark(attributes, internal);
DROP FUNCTION ~mark(text, text);
-- The mark comes first, so that no planner takes this index where the primary key is meant.
CREATE INDEX #resource_mark ON ~resource (mark, tenant, type, id);

-- Those without a value to sort by, so far as that can be told from texts: in front of them those that need a look.
CREATE INDEX #resource_no_name ON ~resource (tenant, type, (strpos(attributes, '"userName":') > 0), id)
	WHERE strpos(chr(3) || keys, chr(3) || 'userName' || chr(2)) = 0 AND type <> 'Group' AND strpos(type, '.') = 0;
CREATE INDEX #resource_no_display ON ~resource (tenant, type, (strpos(attributes, '"displayName":') > 0), id)
	WHERE strpos(chr(3) || keys, chr(3) || 'displayName' || chr(2)) = 0 AND strpos(type, '.') = 0;
CREATE INDEX #resource_no_external ON ~resource (tenant, type, (strpos(attributes, '"externalId":') > 0), id)
	WHERE strpos(chr(3) || keys, chr(3) || 'externalId' || chr(2)) = 0 AND strpos(type, '.') = 0;

-- A tenant has few connections, so that the entries of one are found among its last ones.
DROP INDEX ~journal_connection;

-- n counts the resources of a type and mark. moves counts the resources of a type that were deleted or found by other keys since: as long
-- as neither it nor their number is another one, no list in the order of ids or keys is another one. turns counts the changes of marks.
-- born tells a row from one that a forgotten tenant had.
ALTER TABLE ~count ADD COLUMN mark text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE ~count ADD COLUMN moves bigint NOT NULL DEFAULT 0;
ALTER TABLE ~count ADD COLUMN turns bigint NOT NULL DEFAULT 0;
ALTER TABLE ~count ADD COLUMN born bigint NOT NULL DEFAULT CAST(EXTRACT(epoch FROM clock_timestamp()) * 1000 AS bigint);
ALTER TABLE ~count DROP CONSTRAINT #count_pkey;
ALTER TABLE ~count ADD CONSTRAINT #count_pkey PRIMARY KEY (tenant, type, counter, shard, mark);
UPDATE ~count SET n = 0;
INSERT INTO ~count AS c (tenant, type, counter, shard, mark, n)
SELECT tenant, type, '', 1, mark, count(*) FROM ~resource GROUP BY tenant, type, mark
ON CONFLICT (tenant, type, counter, shard, mark) DO UPDATE SET n = c.n + EXCLUDED.n;

CREATE FUNCTION ~gone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO ~count AS c (tenant, type, counter, shard, mark, n, moves)
	SELECT tenant, type, '', 1 + pg_backend_pid() % 64, mark, -count(*), count(*) FROM gone GROUP BY tenant, type, mark ORDER BY tenant, type, mark
	ON CONFLICT (tenant, type, counter, shard, mark) DO UPDATE SET n = c.n + EXCLUDED.n, moves = c.moves + EXCLUDED.moves;
	RETURN NULL;
END $$;
CREATE TRIGGER #gone AFTER DELETE ON ~resource REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION ~gone();

CREATE FUNCTION ~moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO ~count AS c (tenant, type, counter, shard, mark, n, turns)
	SELECT NEW.tenant, NEW.type, '', 1 + pg_backend_pid() % 64, m.mark, m.n, m.turns
	FROM (VALUES (OLD.mark, -1, 0), (NEW.mark, 1, 1)) m (mark, n, turns) ORDER BY m.mark
	ON CONFLICT (tenant, type, counter, shard, mark) DO UPDATE SET n = c.n + EXCLUDED.n, turns = c.turns + EXCLUDED.turns;
	RETURN NULL;
END $$;
CREATE TRIGGER #moved AFTER UPDATE ON ~resource FOR EACH ROW WHEN (OLD.mark <> NEW.mark) EXECUTE FUNCTION ~moved();

-- As before, but that rows have a mark.
CREATE OR REPLACE FUNCTION ~claim(of_tenant text, of_counter text, take bigint, most bigint, at bigint, "window" bigint)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	own    bigint; -- of shard 0
	start  bigint;
	others bigint;
BEGIN
	IF take > 0 AND most < 0 THEN -- it waits for nobody, unless it begins a window
		SELECT c.began INTO start FROM ~count c
		WHERE c.tenant = of_tenant AND c.type = '' AND c.counter = of_counter AND c.shard = 0 AND at < c.began + "window";
		IF FOUND THEN
			INSERT INTO ~count AS c (tenant, type, counter, shard, claimed, began)
			VALUES (of_tenant, '', of_counter, 1 + pg_backend_pid() % 64, take, start)
			ON CONFLICT (tenant, type, counter, shard, mark) DO UPDATE SET began = GREATEST(c.began, start),
			claimed = CASE WHEN c.began = start THEN c.claimed + take WHEN c.began < start THEN take ELSE c.claimed END;
			RETURN;
		END IF;
	END IF;
	LOOP
		SELECT c.claimed, c.began INTO own, start FROM ~count c
		WHERE c.tenant = of_tenant AND c.type = '' AND c.counter = of_counter AND c.shard = 0 FOR UPDATE;
		EXIT WHEN FOUND;
		INSERT INTO ~count (tenant, type, counter, shard, began) VALUES (of_tenant, '', of_counter, 0, at) ON CONFLICT DO NOTHING;
	END LOOP;
	IF "window" > 0 AND at >= start + "window" THEN
		own := 0;
		start := at;
	END IF;
	-- A statement of its own, behind the lock, to see what those added who had it. Shards without the lock only grow.
	SELECT COALESCE(SUM(c.claimed), 0) INTO others FROM ~count c
	WHERE c.tenant = of_tenant AND c.counter = of_counter AND c.shard > 0 AND c.began = start;
	IF take > 0 AND most >= 0 AND own + others + take > most THEN
		RAISE EXCEPTION USING ERRCODE = 'RC410', MESSAGE = of_counter;
	END IF;
	UPDATE ~count c SET claimed = GREATEST(own + take, -others), began = start
	WHERE c.tenant = of_tenant AND c.type = '' AND c.counter = of_counter AND c.shard = 0;
END $$;
