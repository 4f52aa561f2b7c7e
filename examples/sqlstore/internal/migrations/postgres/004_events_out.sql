-- Events that go first, the feed, and consumers that are paused.

ALTER TABLE ~event ADD COLUMN urgent boolean NOT NULL DEFAULT false;
-- The position in the feed, of events of the feed's consumer that have one; these have the state 3.
ALTER TABLE ~event ADD COLUMN pos bigint;
CREATE INDEX #event_urgent ON ~event (consumer, seq) WHERE due IS NOT NULL AND urgent;
CREATE INDEX #event_feed ON ~event (pos) WHERE pos IS NOT NULL;
CREATE INDEX #event_feed_of ON ~event (tenant, pos) WHERE pos IS NOT NULL;

-- One row. last is the last position that was given to an event; all up to pruned have been removed. Who gives positions has the
-- row locked. It is asked for by its key, as a plan without an index costs so much that PostgreSQL would compile it each time.
CREATE TABLE ~feed (
	id     int PRIMARY KEY,
	last   bigint NOT NULL,
	pruned bigint NOT NULL
);
INSERT INTO ~feed VALUES (1, 0, 0);

-- The consumers that are told nothing of a tenant for now.
CREATE TABLE ~paused (
	tenant   text COLLATE "C" NOT NULL,
	consumer text COLLATE "C" NOT NULL,
	PRIMARY KEY (tenant, consumer)
);
