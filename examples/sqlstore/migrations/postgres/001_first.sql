-- "~" stands for the schema and prefix of the tables, "#" for the prefix alone. Texts compare by bytes (COLLATE "C"),
-- which for UTF-8 is the order of code points; times are microseconds since 1970 (UTC).

-- A resource, whole. Documents are text and not jsonb: they must come back byte by byte.
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

-- What a resource is found by: each key as #hash makes it.
CREATE TABLE ~key (
	key  uuid NOT NULL,
	id   text COLLATE "C" NOT NULL,
	uniq boolean NOT NULL, -- no other resource of the tenant and type may have it uniquely
	PRIMARY KEY (key, id)
);
CREATE UNIQUE INDEX #key_unique ON ~key (key) WHERE uniq;

-- The attributes that there have ever been keys of.
CREATE TABLE ~indexed (
	type      text COLLATE "C" NOT NULL,
	attribute text COLLATE "C" NOT NULL,
	PRIMARY KEY (type, attribute)
);

-- How many resources of a type there are, and how many seats the tenant uses: both the sums over the rows. Each connection
-- counts in a shard of its own, so that writers don't wait for each other. Shard 0 of the type '' has the claims of seats
-- that must: those with a limit, and those that give back.
CREATE TABLE ~count (
	tenant text COLLATE "C" NOT NULL,
	type   text COLLATE "C" NOT NULL,
	shard  int NOT NULL,
	n      bigint NOT NULL,
	seats  bigint NOT NULL,
	PRIMARY KEY (tenant, type, shard)
) WITH (fillfactor = 50);

CREATE TABLE ~member (
	tenant      text COLLATE "C" NOT NULL,
	group_id    text COLLATE "C" NOT NULL,
	member_id   text COLLATE "C" NOT NULL,
	member_type text COLLATE "C" NOT NULL,
	PRIMARY KEY (tenant, group_id, member_id)
);
CREATE INDEX #member_of ON ~member (member_id, tenant, group_id);

-- Events to deliver. due says from when on an event can be leased, and is null once it is done (state 1) or parked (2).
CREATE TABLE ~event (
	seq          bigint GENERATED ALWAYS AS IDENTITY,
	tenant       text COLLATE "C" NOT NULL,
	id           text COLLATE "C" NOT NULL,
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
	reason       text COLLATE "C" NOT NULL DEFAULT '',
	PRIMARY KEY (tenant, id)
);
CREATE INDEX #event_due ON ~event (seq) WHERE due IS NOT NULL;
CREATE INDEX #event_subject ON ~event (subject, seq) WHERE due IS NOT NULL;
CREATE INDEX #event_parked ON ~event (tenant, seq) WHERE state = 2;

CREATE TABLE ~journal (
	tenant       text COLLATE "C" NOT NULL,
	id           text COLLATE "C" NOT NULL,
	time         bigint NOT NULL,
	connection   text COLLATE "C" NOT NULL,
	subject_type text COLLATE "C" NOT NULL,
	subject_id   text COLLATE "C" NOT NULL,
	action       text COLLATE "C" NOT NULL,
	outcome      text COLLATE "C" NOT NULL,
	data         text COLLATE "C" NOT NULL,
	PRIMARY KEY (tenant, id)
);

-- Refuses the transaction: what a change expects is checked where it is written, so that a commit is one round trip.
CREATE FUNCTION ~expect(ok boolean, code text, detail text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	IF NOT ok THEN
		RAISE EXCEPTION USING ERRCODE = code, MESSAGE = detail;
	END IF;
END $$;

-- What a key is told by: the first 128 bits of a SHA-256, so that an index stays small however long values are.
CREATE FUNCTION ~hash(tenant text, type text, key text) RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS $$
	SELECT encode(substring(sha256(convert_to(tenant || chr(3) || type || chr(3) || key, 'UTF8')) FOR 16), 'hex')::uuid
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
			INSERT INTO ~key (key, id, uniq) VALUES (~hash(of_tenant, of_type, new[i]), of_id, i <= now_uniques);
		END IF;
	END LOOP;
END $$;
