-- As on PostgreSQL, where it is explained.

DROP TABLE ~key;
-- The table has another name than before, so that a program of the version before, which makes other keys, fails and does no harm.
CREATE TABLE ~keys (
	key    BLOB NOT NULL,
	id     TEXT NOT NULL,
	uniq   INTEGER NOT NULL,
	n      INTEGER NOT NULL, -- of the resource
	tenant TEXT NOT NULL,
	PRIMARY KEY (key, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX #key_unique ON ~keys (key) WHERE uniq = 1;

ALTER TABLE ~resource ADD COLUMN mark TEXT NOT NULL DEFAULT 'x!';
-- Here the program fills keys and marks, which take more than SQL.
CREATE INDEX #resource_mark ON ~resource (mark, tenant, type, id);

CREATE INDEX #resource_no_name ON ~resource (tenant, type, (instr(attributes, '"userName":') > 0), id)
	WHERE instr(char(3) || keys, char(3) || 'userName' || char(2)) = 0 AND type <> 'Group' AND instr(type, '.') = 0;
CREATE INDEX #resource_no_display ON ~resource (tenant, type, (instr(attributes, '"displayName":') > 0), id)
	WHERE instr(char(3) || keys, char(3) || 'displayName' || char(2)) = 0 AND instr(type, '.') = 0;
CREATE INDEX #resource_no_external ON ~resource (tenant, type, (instr(attributes, '"externalId":') > 0), id)
	WHERE instr(char(3) || keys, char(3) || 'externalId' || char(2)) = 0 AND instr(type, '.') = 0;

-- A tenant has few connections, so that the entries of one are found among its last ones.
DROP INDEX ~journal_connection;

CREATE TABLE ~counted (
	tenant  TEXT NOT NULL,
	type    TEXT NOT NULL,
	counter TEXT NOT NULL,
	mark    TEXT NOT NULL DEFAULT '',
	n       INTEGER NOT NULL DEFAULT 0,
	moves   INTEGER NOT NULL DEFAULT 0,
	turns   INTEGER NOT NULL DEFAULT 0,
	born    INTEGER NOT NULL DEFAULT (CAST(julianday('now') * 86400000 AS INTEGER)),
	claimed INTEGER NOT NULL DEFAULT 0,
	began   INTEGER NOT NULL DEFAULT -9223372036854775808,
	PRIMARY KEY (tenant, type, counter, mark)
) WITHOUT ROWID;
INSERT INTO ~counted (tenant, type, counter, claimed, began) SELECT tenant, type, counter, claimed, began FROM ~count;
INSERT INTO ~counted (tenant, type, counter, mark, n) SELECT tenant, type, '', mark, COUNT(*) FROM ~resource WHERE TRUE GROUP BY tenant, type, mark
ON CONFLICT DO UPDATE SET n = n + excluded.n;
DROP TABLE ~count;
ALTER TABLE ~counted RENAME TO #count;

CREATE TRIGGER #gone AFTER DELETE ON ~resource BEGIN
	INSERT INTO ~count (tenant, type, counter, mark, n, moves) VALUES (OLD.tenant, OLD.type, '', OLD.mark, -1, 1)
	ON CONFLICT DO UPDATE SET n = n - 1, moves = moves + 1;
END;
CREATE TRIGGER #moved AFTER UPDATE ON ~resource WHEN OLD.mark <> NEW.mark BEGIN
	INSERT INTO ~count (tenant, type, counter, mark, n) VALUES (OLD.tenant, OLD.type, '', OLD.mark, -1)
	ON CONFLICT DO UPDATE SET n = n - 1;
	INSERT INTO ~count (tenant, type, counter, mark, n, turns) VALUES (NEW.tenant, NEW.type, '', NEW.mark, 1, 1)
	ON CONFLICT DO UPDATE SET n = n + 1, turns = turns + 1;
END;
