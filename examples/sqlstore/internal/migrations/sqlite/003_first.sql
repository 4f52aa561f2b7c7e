-- The tables of PostgreSQL, where they are explained. "~" and "#" stand for the prefix.

CREATE TABLE ~resource (
	n          INTEGER PRIMARY KEY, -- stays the row's, which SQLite doesn't promise of a rowid without a name
	tenant     TEXT NOT NULL,
	type       TEXT NOT NULL,
	id         TEXT NOT NULL,
	version    TEXT NOT NULL,
	created    INTEGER NOT NULL,
	modified   INTEGER NOT NULL,
	label      TEXT NOT NULL,
	folded     TEXT NOT NULL,
	keys       TEXT NOT NULL,
	uniques    INTEGER NOT NULL,
	attributes TEXT NOT NULL,
	internal   TEXT NOT NULL,
	UNIQUE (tenant, type, id)
);
CREATE INDEX #resource_modified ON ~resource ((tenant || '/' || type), modified);

CREATE TABLE ~key (
	key    BLOB NOT NULL,
	id     TEXT NOT NULL,
	uniq   INTEGER NOT NULL,
	n      INTEGER NOT NULL, -- of the resource
	tenant TEXT NOT NULL,
	PRIMARY KEY (key, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX #key_unique ON ~key (key) WHERE uniq = 1;

CREATE TABLE ~indexed (
	type      TEXT NOT NULL,
	attribute TEXT NOT NULL,
	PRIMARY KEY (type, attribute)
) WITHOUT ROWID;

-- Without shards, as there is one writer at a time.
CREATE TABLE ~count (
	tenant  TEXT NOT NULL,
	type    TEXT NOT NULL,
	counter TEXT NOT NULL,
	n       INTEGER NOT NULL DEFAULT 0,
	claimed INTEGER NOT NULL DEFAULT 0,
	began   INTEGER NOT NULL DEFAULT -9223372036854775808,
	PRIMARY KEY (tenant, type, counter)
) WITHOUT ROWID;

CREATE TABLE ~member (
	tenant      TEXT NOT NULL,
	group_id    TEXT NOT NULL,
	member_id   TEXT NOT NULL,
	member_type TEXT NOT NULL,
	PRIMARY KEY (tenant, group_id, member_id)
) WITHOUT ROWID;
-- With all columns: for an index that lacks one the planner would rather read a tenant's rows, as it doesn't know how many
-- there are.
CREATE INDEX #member_of ON ~member (member_id, tenant, group_id, member_type);

CREATE TABLE ~event (
	seq          INTEGER PRIMARY KEY AUTOINCREMENT,
	tenant       TEXT NOT NULL,
	id           TEXT NOT NULL,
	consumer     TEXT NOT NULL,
	kind         TEXT NOT NULL,
	subject_type TEXT NOT NULL,
	subject_id   TEXT NOT NULL,
	subject      INTEGER NOT NULL,
	time         INTEGER NOT NULL,
	data         TEXT NOT NULL,
	state        INTEGER NOT NULL DEFAULT 0,
	due          INTEGER DEFAULT -9223372036854775808,
	attempts     INTEGER NOT NULL DEFAULT 0,
	owner        TEXT NOT NULL DEFAULT '',
	reason       TEXT NOT NULL DEFAULT ''
);
CREATE INDEX #event_due ON ~event (consumer, seq) WHERE due IS NOT NULL;
CREATE INDEX #event_subject ON ~event (tenant, consumer, subject, seq) WHERE due IS NOT NULL;
CREATE INDEX #event_leased ON ~event (tenant, id, consumer) WHERE owner <> '';
CREATE INDEX #event_settled ON ~event (tenant, consumer, time) WHERE due IS NULL;
CREATE INDEX #event_old ON ~event (state, time) WHERE due IS NULL;
CREATE INDEX #event_parked ON ~event (tenant, seq) WHERE state = 2;

CREATE TABLE ~journal (
	tenant       TEXT NOT NULL,
	id           TEXT NOT NULL,
	time         INTEGER NOT NULL,
	connection   TEXT NOT NULL,
	request      TEXT NOT NULL,
	who          TEXT NOT NULL,
	subject_type TEXT NOT NULL,
	subject_id   TEXT NOT NULL,
	action       TEXT NOT NULL,
	outcome      TEXT NOT NULL,
	data         TEXT NOT NULL,
	PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE INDEX #journal_connection ON ~journal (tenant, connection, id) WHERE connection <> '';
CREATE INDEX #journal_subject ON ~journal (tenant, subject_id, id) WHERE subject_id <> '';
CREATE INDEX #journal_outcome ON ~journal (tenant, outcome, id) WHERE outcome <> '';
CREATE INDEX #journal_request ON ~journal (request, tenant) WHERE request <> '';

-- Who has changed it has the lock of the file: a transaction begins with that.
CREATE TABLE ~lock (n INTEGER NOT NULL);
