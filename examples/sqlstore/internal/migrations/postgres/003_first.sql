-- "~" stands for the schema and prefix of the tables, "#" for the prefix alone. Texts compare by bytes (COLLATE "C"),
-- which for UTF-8 is the order of code points; times are microseconds since 1970 (UTC).
--
-- Versions 1 and 2 were in no release: the store refuses their tables. This file is never changed any more; what changes is
-- a file of its own, with a higher number, and TestFixtures gets a database of the version before it.
--
-- All rows of a tenant can be removed by hand: every table but #indexed has a column tenant, and #indexed has nothing of
-- a tenant's.

-- A resource, whole. Documents are text and not jsonb, because they must come back byte by byte.
CREATE TABLE ~resource (
	tenant     text COLLATE "C" NOT NULL,
	type       text COLLATE "C" NOT NULL,
	id         text COLLATE "C" NOT NULL,
	version    text COLLATE "C" NOT NULL,
	created    bigint NOT NULL,
	modified   bigint NOT NULL,
	label      text COLLATE "C" NOT NULL,
	folded     text COLLATE "C" NOT NULL, -- the label with case folded
	keys       text COLLATE "C" NOT NULL, -- what it is found by: "attribute\x02value", joined by \x03, unique ones first
	uniques    int NOT NULL,              -- how many of them are unique
	attributes text COLLATE "C" NOT NULL,
	internal   text COLLATE "C" NOT NULL,
	PRIMARY KEY (tenant, type, id)
);
-- An expression, so that no planner takes this index, with statistics that are none yet, where the primary key is meant.
CREATE INDEX #resource_modified ON ~resource ((tenant || '/' || type), modified);

-- What a resource is found by. A key is told by 16 bytes, which #hash makes: 4 of the tenant and 12 of the type and the
-- key, so that the index stays small however long values are, and the keys of a tenant stand together in it.
CREATE TABLE ~key (
	key    uuid NOT NULL,
	id     text COLLATE "C" NOT NULL,
	uniq   boolean NOT NULL, -- no other resource of the tenant and type may have it uniquely
	tenant text COLLATE "C" NOT NULL,
	PRIMARY KEY (key, id)
);
CREATE UNIQUE INDEX #key_unique ON ~key (key) WHERE uniq;

-- The attributes that there have ever been keys of.
CREATE TABLE ~indexed (
	type      text COLLATE "C" NOT NULL,
	attribute text COLLATE "C" NOT NULL,
	PRIMARY KEY (type, attribute)
);

-- What is counted of a tenant: n resources of the type, and what was claimed from the counter. Both are the sums over all the
-- rows of the tenant that name it: a row names two things so that a change which creates a resource and claims a seat for it
-- writes one row. Each connection adds to a shard of its own (1 to 64), so that writers don't wait for each other. Shard 0, of
-- the type '', has the claims that must wait: those with a limit, and those that give back.
--
-- A counter with a window began when shard 0 says. Rows with an earlier time belong to a window that has ended, and don't
-- count. A counter without a window has the lowest number there is for a time.
CREATE TABLE ~count (
	tenant  text COLLATE "C" NOT NULL,
	type    text COLLATE "C" NOT NULL,
	counter text COLLATE "C" NOT NULL,
	shard   int NOT NULL,
	n       bigint NOT NULL DEFAULT 0,
	claimed bigint NOT NULL DEFAULT 0,
	began   bigint NOT NULL DEFAULT -9223372036854775808,
	PRIMARY KEY (tenant, type, counter, shard)
) WITH (fillfactor = 50);

CREATE TABLE ~member (
	tenant      text COLLATE "C" NOT NULL,
	group_id    text COLLATE "C" NOT NULL,
	member_id   text COLLATE "C" NOT NULL,
	member_type text COLLATE "C" NOT NULL,
	PRIMARY KEY (tenant, group_id, member_id)
);
CREATE INDEX #member_of ON ~member (member_id, tenant, group_id);

-- The deliveries: an event, once for each of its consumers. due says from when on it can be leased, and is null once it is
-- done (state 1) or parked (state 2).
CREATE TABLE ~event (
	seq          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	tenant       text COLLATE "C" NOT NULL,
	id           text COLLATE "C" NOT NULL,
	consumer     text COLLATE "C" NOT NULL,
	kind         text COLLATE "C" NOT NULL,
	subject_type text COLLATE "C" NOT NULL,
	subject_id   text COLLATE "C" NOT NULL,
	subject      bigint NOT NULL, -- a hash of what the event is about: two of the same only wait for each other
	time         bigint NOT NULL,
	data         text COLLATE "C" NOT NULL,
	state        smallint NOT NULL DEFAULT 0,
	due          bigint DEFAULT -9223372036854775808,
	attempts     int NOT NULL DEFAULT 0,
	owner        text COLLATE "C" NOT NULL DEFAULT '',
	reason       text COLLATE "C" NOT NULL DEFAULT ''
);
CREATE INDEX #event_due ON ~event (consumer, seq) WHERE due IS NOT NULL;
CREATE INDEX #event_subject ON ~event (tenant, consumer, subject, seq) WHERE due IS NOT NULL;
-- Events are in these later than when they are committed, so that commits don't pay for them.
CREATE INDEX #event_leased ON ~event (tenant, id, consumer) WHERE owner <> '';
CREATE INDEX #event_settled ON ~event (tenant, consumer, time) WHERE due IS NULL;
CREATE INDEX #event_old ON ~event (state, time) WHERE due IS NULL;
CREATE INDEX #event_parked ON ~event (tenant, seq) WHERE state = 2;

-- What requests did. Ids are in the order of time.
CREATE TABLE ~journal (
	tenant       text COLLATE "C" NOT NULL,
	id           text COLLATE "C" NOT NULL,
	time         bigint NOT NULL,
	connection   text COLLATE "C" NOT NULL,
	request      text COLLATE "C" NOT NULL,
	who          text COLLATE "C" NOT NULL,
	subject_type text COLLATE "C" NOT NULL,
	subject_id   text COLLATE "C" NOT NULL,
	action       text COLLATE "C" NOT NULL,
	outcome      text COLLATE "C" NOT NULL,
	data         text COLLATE "C" NOT NULL,
	PRIMARY KEY (tenant, id)
);
CREATE INDEX #journal_connection ON ~journal (tenant, connection, id) WHERE connection <> '';
CREATE INDEX #journal_subject ON ~journal (tenant, subject_id, id) WHERE subject_id <> '';
CREATE INDEX #journal_outcome ON ~journal (tenant, outcome, id) WHERE outcome <> '';
CREATE INDEX #journal_request ON ~journal (request, tenant) WHERE request <> ''; -- one has few entries

-- Refuses the transaction: what a change expects is checked where it is written, so that a commit is one round trip.
CREATE FUNCTION ~expect(ok boolean, code text, detail text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	IF NOT ok THEN
		RAISE EXCEPTION USING ERRCODE = code, MESSAGE = detail;
	END IF;
END $$;

-- Refuses the transaction if a resource wasn't found in the version that was expected: whether it isn't there or has another
-- version is looked up behind the statement that may have waited for somebody who deleted it.
CREATE FUNCTION ~found(ok boolean, of_tenant text, of_type text, of_id text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	IF NOT ok THEN
		PERFORM FROM ~resource WHERE tenant = of_tenant AND type = of_type AND id = of_id;
		RAISE EXCEPTION USING ERRCODE = CASE WHEN FOUND THEN 'RC409' ELSE 'RC404' END, MESSAGE = '';
	END IF;
END $$;

-- What a key is told by: a part of the SHA-256 of the tenant, and one of that of the type and the key.
CREATE FUNCTION ~hash(tenant text, type text, key text) RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS $$
	SELECT encode(substring(sha256(convert_to(tenant, 'UTF8')) FOR 4) ||
		substring(sha256(convert_to(type || chr(3) || key, 'UTF8')) FOR 12), 'hex')::uuid
$$;

-- Brings the rows in #key up to date with the columns keys and uniques of a resource: most changes are of a key or none.
CREATE FUNCTION ~rekey(of_tenant text, of_type text, of_id text, was text, was_uniques int, now text, now_uniques int)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	old text[] := string_to_array(was, chr(3));
	new text[] := string_to_array(now, chr(3));
	at  int;
BEGIN
	FOR i IN 1 .. cardinality(old) LOOP
		at := array_position(new, old[i]);
		IF at IS NULL OR (at <= now_uniques) <> (i <= was_uniques) THEN
			DELETE FROM ~key WHERE key = ~hash(of_tenant, of_type, old[i]) AND id = of_id;
		END IF;
	END LOOP;
	FOR i IN 1 .. cardinality(new) LOOP
		at := array_position(old, new[i]);
		IF at IS NULL OR (at <= was_uniques) <> (i <= now_uniques) THEN
			INSERT INTO ~key (key, id, uniq, tenant) VALUES (~hash(of_tenant, of_type, new[i]), of_id, i <= now_uniques, of_tenant);
		END IF;
	END LOOP;
END $$;

-- Locks resources in the order in which they are given, so that changes which need several of the same wait for each other
-- and never in a circle. how has a letter for each: d to delete it, u to update it, m to make it a member.
CREATE FUNCTION ~hold(of_tenant text, types text[], ids text[], how text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. cardinality(ids) LOOP
		CASE substr(how, i, 1)
		WHEN 'd' THEN
			PERFORM FROM ~resource WHERE tenant = of_tenant AND type = types[i] AND id = ids[i] FOR UPDATE;
		WHEN 'u' THEN
			PERFORM FROM ~resource WHERE tenant = of_tenant AND type = types[i] AND id = ids[i] FOR NO KEY UPDATE;
		ELSE
			PERFORM FROM ~resource WHERE tenant = of_tenant AND type = types[i] AND id = ids[i] FOR KEY SHARE;
		END CASE;
	END LOOP;
END $$;

-- Makes a claim that may have to wait. most is the limit, or negative; window is 0 if there is none. at is the time of the
-- claim, or the lowest number if there is no window.
CREATE FUNCTION ~claim(of_tenant text, of_counter text, take bigint, most bigint, at bigint, "window" bigint)
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
			ON CONFLICT (tenant, type, counter, shard) DO UPDATE SET began = GREATEST(c.began, start),
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
