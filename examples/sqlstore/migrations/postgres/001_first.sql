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
	keys       text COLLATE "C" NOT NULL, -- its rows in #key: "attribute\x02value", joined by \x03, unique ones first
	uniques    int NOT NULL,              -- how many of them are unique
	long_keys  text COLLATE "C" NOT NULL, -- keys with their full values, if some are too long for an index; else ''
	attributes text COLLATE "C" NOT NULL,
	internal   text COLLATE "C" NOT NULL,
	PRIMARY KEY (tenant, type, id)
);
-- An expression, so that no planner takes this index, with statistics that are none yet, where the primary key is meant.
CREATE INDEX #resource_modified ON ~resource ((tenant || '/' || type), modified);

-- What a resource is found by. holder is '' for a unique key, so that the primary key makes it unique, and else the id.
CREATE TABLE ~key (
	tenant text COLLATE "C" NOT NULL,
	type   text COLLATE "C" NOT NULL,
	key    text COLLATE "C" NOT NULL,
	holder text COLLATE "C" NOT NULL,
	id     text COLLATE "C" NOT NULL,
	CONSTRAINT #key_pkey PRIMARY KEY (tenant, type, key, holder)
);

-- How many resources there are: the sum over the shards. Each connection counts in a shard of its own, so that writers
-- don't wait for each other.
CREATE TABLE ~count (
	tenant text COLLATE "C" NOT NULL,
	type   text COLLATE "C" NOT NULL,
	shard  int NOT NULL,
	n      bigint NOT NULL,
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

CREATE TABLE ~seat (
	tenant text COLLATE "C" PRIMARY KEY,
	used   bigint NOT NULL
);

-- Events to deliver. due says from when on an event can be leased, and is null once it is done (state 1) or parked (2).
CREATE TABLE ~event (
	seq          bigint GENERATED ALWAYS AS IDENTITY,
	tenant       text COLLATE "C" NOT NULL,
	id           text COLLATE "C" NOT NULL,
	kind         text COLLATE "C" NOT NULL,
	subject_type text COLLATE "C" NOT NULL,
	subject_id   text COLLATE "C" NOT NULL,
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
CREATE INDEX #event_subject ON ~event (tenant, subject_type, subject_id, seq) WHERE due IS NOT NULL;
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
