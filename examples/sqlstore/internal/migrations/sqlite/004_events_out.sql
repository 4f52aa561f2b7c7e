-- As on PostgreSQL, where it is explained.

ALTER TABLE ~event ADD COLUMN urgent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ~event ADD COLUMN pos INTEGER;
CREATE INDEX #event_urgent ON ~event (consumer, seq) WHERE due IS NOT NULL AND urgent;
CREATE INDEX #event_feed ON ~event (pos) WHERE pos IS NOT NULL;
CREATE INDEX #event_feed_of ON ~event (tenant, pos) WHERE pos IS NOT NULL;

CREATE TABLE ~feed (
	id     INTEGER PRIMARY KEY,
	last   INTEGER NOT NULL,
	pruned INTEGER NOT NULL
);
INSERT INTO ~feed VALUES (1, 0, 0);

CREATE TABLE ~paused (
	tenant   TEXT NOT NULL,
	consumer TEXT NOT NULL,
	PRIMARY KEY (tenant, consumer)
) WITHOUT ROWID;
